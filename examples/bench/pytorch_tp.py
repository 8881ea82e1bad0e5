#!/usr/bin/env python3
"""PyTorch's side of the bench: a model of transformers under `parallelize_module`, one JSON line on rank 0.

    torchrun --nproc-per-node 2 pytorch_tp.py --config JSON     two Gloo processes, a thread each
    pytorch_tp.py --unsharded --config JSON                     one process, two threads

`forward_s` is a forward pass without gradients, its logits left sharded; `train_step_s` is zeroed gradients, forward, loss,
backward and AdamW; `decode_tokens_per_s` is greedy decoding with a cache, the tokens of all sequences counted; `prompt_s` is the
forward of one long prompt with a cache, to the logits of its last position. All are medians.
"""
import argparse
import json
import os
import resource
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from fnmatch import fnmatch
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.distributed.tensor.parallel import ColwiseParallel, ParallelStyle, RowwiseParallel, loss_parallel, parallelize_module
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, PreTrainedModel

# The rows that the Rust side runs, as AutoModel has them.
PLANS = json.loads((Path(__file__).resolve().parents[2] / "tests/fixtures/automodel_plans.json").read_text())
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = {"Replicate": Replicate(), "Shard(-1)": Shard(-1)}


def plan(model: PreTrainedModel) -> dict[str, ParallelStyle]:
    """The tensor-parallel plan of a model, without rows for modules it does not have."""
    rows = next(table["tp"] for name, table in PLANS.items() if name.endswith("." + type(model).__name__))
    names = [name for name, _ in model.named_modules()]
    return {pattern: style(row) for pattern, row in rows.items() if any(fnmatch(name, pattern) for name in names)}


def style(row: dict) -> ParallelStyle:
    layouts = dict(input_layouts=LAYOUTS[row["input_layouts"]], output_layouts=LAYOUTS[row["output_layouts"]],
                   use_local_output=row["use_local_output"])
    # What AutoModel calls VocabParallelEmbedding is this with another way of masking.
    return ColwiseParallel(**layouts) if row["style"] == "ColwiseParallel" else RowwiseParallel(**layouts)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unsharded", action="store_true")
    parser.add_argument("--dtype", choices=DTYPES, default="f32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--backend", choices=["gloo", "nccl"], default="gloo", help="what carries the collectives of several ranks")
    parser.add_argument("--parts", type=parts, default=[*PARTS][:3], help="what is timed, separated by commas: " + ", ".join(PARTS))
    parser.add_argument("--config", type=json.loads, required=True, help="the text of its config.json")
    for name, default in dict(batch=4, seq=128, decode_batch=1, prompt=16, new_tokens=64, prompt_length=2048, warmup=2, repeat=7).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=default)
    return parser.parse_args()


def parts(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return names


def build(args: argparse.Namespace) -> PreTrainedModel:
    """Sharded before any weight is allocated, so that a rank's memory is its shard."""
    config = AutoConfig.for_model(**args.config)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa", dtype=DTYPES[args.dtype])
    if not args.unsharded:
        parallelize_module(model, init_device_mesh(args.device, (dist.get_world_size(),)), plan(model))
    model.to_empty(device=args.device)
    if config.tie_word_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    with torch.no_grad():
        for module in model.modules():
            # Rotary frequencies and the like; on `meta` they had no values.
            if next(module.buffers(recurse=False), None) is not None:
                model._init_weights(module)
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0) if "norm" in name else parameter.normal_(std=0.02)
    return model


def optimizer(model: PreTrainedModel) -> torch.optim.Optimizer:
    """Fused AdamW takes DTensors and tensors, but not in one group."""
    sharded = [p for p in model.parameters() if isinstance(p, DTensor)]
    whole = [p for p in model.parameters() if not isinstance(p, DTensor)]
    return torch.optim.AdamW([dict(params=group) for group in (sharded, whole) if group], lr=1e-4, fused=True)


def median_seconds(run: Callable[[], None], warmup: int, repeat: int) -> float:
    seconds = []
    for _ in range(warmup + repeat):
        if dist.is_initialized():
            dist.barrier()
        wait()
        start = time.perf_counter()
        run()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[warmup:])


def wait() -> None:
    """Until a GPU has done what it was asked for."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Bench:
    """A model and how it is timed."""

    def __init__(self, args: argparse.Namespace):
        torch.manual_seed(0)
        self.args, self.model = args, build(args)

    def forward_s(self) -> float:
        ids = self.ids(self.args.batch, self.args.seq)

        @torch.no_grad()
        def forward() -> None:
            self.model(input_ids=ids, use_cache=False)

        return median_seconds(forward, self.args.warmup, self.args.repeat)

    def train_step_s(self) -> float:
        ids = self.ids(self.args.batch, self.args.seq)
        step = optimizer(self.model)

        def train_step() -> None:
            step.zero_grad()
            # transformers' own loss does not take a DTensor.
            logits = self.model(input_ids=ids, use_cache=False).logits
            with nullcontext() if self.args.unsharded else loss_parallel():
                loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
                loss.backward()
            step.step()

        return median_seconds(train_step, self.args.warmup, self.args.repeat)

    def decode_tokens_per_s(self) -> float:
        prompt = self.ids(self.args.decode_batch, self.args.prompt)

        @torch.no_grad()
        def decode() -> None:
            cache, token = DynamicCache(config=self.model.config), prompt
            for _ in range(self.args.new_tokens):
                logits = self.model(input_ids=token, past_key_values=cache, logits_to_keep=1).logits
                logits = logits if self.args.unsharded else logits.full_tensor()
                token = logits[:, -1].argmax(-1, keepdim=True)

        return self.args.decode_batch * self.args.new_tokens / self.median_of_long_runs(decode)

    def prompt_s(self) -> float:
        ids = self.ids(1, self.args.prompt_length)

        @torch.no_grad()
        def prompt() -> None:
            self.model(input_ids=ids, past_key_values=DynamicCache(config=self.model.config), logits_to_keep=1)

        return self.median_of_long_runs(prompt)

    def ids(self, batch: int, length: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        return torch.randint(0, self.model.config.vocab_size, (batch, length), generator=generator).to(self.args.device)

    def median_of_long_runs(self, run: Callable[[], None]) -> float:
        """Runs that take long are run less often."""
        return median_seconds(run, min(self.args.warmup, 1), min(self.args.repeat, 3))


# What can be timed, and the figure it gives; all but the last unless told otherwise.
PARTS = dict(forward=Bench.forward_s, train=Bench.train_step_s, decode=Bench.decode_tokens_per_s, prompt=Bench.prompt_s)


def measure(args: argparse.Namespace) -> dict:
    bench = Bench(args)
    figures = {PARTS[part].__name__: PARTS[part](bench) for part in args.parts} | dict(peak_rss_mb=peak_rss_mb())
    if args.device == "cuda":
        figures["peak_cuda_mb"] = torch.cuda.max_memory_allocated() // 2**20
    return figures


def peak_rss_mb() -> list[int]:
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if not dist.is_initialized():
        return [mine]
    every = [None] * dist.get_world_size()
    dist.all_gather_object(every, mine)
    return every


def main() -> None:
    args = arguments()
    torch.set_num_threads(2 if args.unsharded else 1)
    if not args.unsharded:
        if args.device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        dist.init_process_group(args.backend)
    result = measure(args)
    if int(os.environ.get("RANK", 0)) == 0:
        print(json.dumps(result), flush=True)
    if dist.is_initialized():
        # PyTorch's own way out aborts now and then, with threads of Gloo still running.
        dist.barrier()
        os._exit(0)


if __name__ == "__main__":
    main()
