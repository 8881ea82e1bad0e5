#!/usr/bin/env python3
"""How many tokens a second a model could decode if reading its weights were all there is to it; one JSON line.

A token reads every weight once but the embedding's; a head that is tied to it counts. How fast they can be read is measured: the product of one
row with each weight matrix of the model, all distinct, two threads, the best of several passes.
"""
import argparse
import json
import time

import torch
from transformers import AutoConfig, AutoModelForCausalLM

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def weights(config: dict) -> list[torch.Size]:
    """The shapes of what a token reads."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    return [parameter.shape for parameter in model.parameters() if parameter is not embedding or parameter is head]


def best_seconds(shapes: list[torch.Size], dtype: torch.dtype, passes: int) -> float:
    """Of one pass over all matrices."""
    # Written, so that each has pages of its own.
    matrices = [torch.full(shape, 0.01, dtype=dtype) for shape in shapes]
    row = {width: torch.full((1, width), 0.01, dtype=dtype) for _, width in shapes}
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        for matrix in matrices:
            torch.nn.functional.linear(row[matrix.shape[1]], matrix)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=json.loads, required=True, help="the text of its config.json")
    parser.add_argument("--dtype", choices=DTYPES, default="f32")
    parser.add_argument("--passes", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(2)
    every, dtype = weights(args.config), DTYPES[args.dtype]
    matrices = [shape for shape in every if len(shape) == 2]
    seconds = best_seconds(matrices, dtype, args.passes)
    bandwidth = sum(shape.numel() for shape in matrices) * dtype.itemsize / seconds
    total = sum(shape.numel() for shape in every) * dtype.itemsize
    print(json.dumps(dict(weights_mb=total / 1e6, bandwidth_gb_per_s=bandwidth / 1e9, tokens_per_s=bandwidth / total)))


if __name__ == "__main__":
    main()
