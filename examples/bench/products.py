#!/usr/bin/env python3
"""How fast this processor multiplies and reads: torch's product (MKL) beside oneDNN's, matrix-vector products beside plain reading.

    products.py [THREADS]
"""
import statistics
import sys
import time
from collections.abc import Callable

import torch

# Rows, input features and output features, as of the Llamas of 26M and 106M.
SHAPES = [(512, 512, 1408), (512, 1408, 512), (512, 512, 512), (512, 512, 8000), (256, 768, 2048), (256, 2048, 768), (256, 768, 16000)]
# More weights than any cache holds.
WEIGHTS = [torch.randn(1408, 512) for _ in range(40)]


def median_seconds(run: Callable[[], object], warmup: int = 3, repeat: int = 15) -> float:
    seconds = []
    for _ in range(warmup + repeat):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[warmup:])


def onednn(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    print(f"{torch.get_num_threads()} threads\n\n| rows x in x out | MKL GFLOP/s | oneDNN GFLOP/s |\n|---|---|---|")
    for rows, features, out in SHAPES:
        x, weight = torch.randn(rows, features), torch.randn(out, features)
        rate = lambda product: 2e-9 * rows * features * out / median_seconds(lambda: product(x, weight))
        print(f"| {rows} x {features} x {out} | {rate(torch.nn.functional.linear):.0f} | {rate(onednn):.0f} |")
    gigabytes = sum(weight.nbytes for weight in WEIGHTS) / 1e9
    x = torch.randn(1, 512)
    multiplying = median_seconds(lambda: [torch.nn.functional.linear(x, weight) for weight in WEIGHTS])
    whole = torch.cat(WEIGHTS)
    reading = median_seconds(whole.sum)
    print(f"\n{gigabytes * 1000:.0f} MB: {gigabytes / multiplying:.1f} GB/s in matrix-vector products, {gigabytes / reading:.1f} GB/s in a sum")


if __name__ == "__main__":
    main()
