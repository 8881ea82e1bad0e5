#!/usr/bin/env python3
"""Runs our bench and PyTorch's in turn, several rounds, and prints medians and ratios. Needs nothing but Python's own library."""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = {
    "26M": dict(hidden=512, mlp=1408, layers=6, heads=8, kv_heads=4, vocab=8000, batch=4, seq=128),
    "106M": dict(hidden=768, mlp=2048, layers=13, heads=12, kv_heads=4, vocab=16000, batch=2, seq=128),
}
# Every ratio is against this one.
BASELINE = "PyTorch, 2 ranks, Gloo"


def programs(program: str, python: str) -> dict[str, list[str]]:
    """What is compared. Two threads in all, everywhere: two ranks have one each."""
    torchrun = [python, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    pytorch = str(HERE / "pytorch_tp.py")
    return {
        "PyTorch, unsharded": [python, pytorch, "--unsharded"],
        BASELINE: [*torchrun, pytorch],
        "ours, 1 rank": [program, "--tp", "1"],
        "ours, 2 ranks, local": [program, "--tp", "2", "--backend", "local"],
        "ours, 2 ranks, Gloo": [*torchrun, "--no-python", program, "--tp", "2", "--backend", "gloo"],
    }


def run(command: list[str], threads: int) -> dict:
    """The JSON line that the command prints."""
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": str(threads)}, text=True, capture_output=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or len(lines) != 1:
        sys.exit(f"`{' '.join(command)}` failed with status {done.returncode}:\n{done.stderr}{done.stdout}")
    return json.loads(lines[0])


def medians(results: list[dict]) -> dict:
    """Of times and rates the median over the rounds, of memory the highest."""
    merged = {key: statistics.median(result[key] for result in results)
              for key in ("forward_s", "train_step_s", "decode_tokens_per_s")}
    return merged | dict(peak_rss_mb=[max(rank) for rank in zip(*(result["peak_rss_mb"] for result in results))])


def table(title: str, results: dict[str, dict]) -> str:
    base = results[BASELINE]
    lines = [title, f"  {'':24}{'forward':>18}{'train step':>18}{'decode':>22}{'peak MB per rank':>20}"]
    for name, result in results.items():
        cells = [f"{result[key]:.3f} s {base[key] / result[key]:5.2f}x" for key in ("forward_s", "train_step_s")]
        rate = result["decode_tokens_per_s"]
        decode = f"{rate:.1f} tok/s {rate / base['decode_tokens_per_s']:5.2f}x"
        memory = " + ".join(map(str, result["peak_rss_mb"]))
        lines.append(f"  {name:24}{cells[0]:>18}{cells[1]:>18}{decode:>22}{memory:>20}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the built `tp-bench`")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch and transformers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", choices=MODELS, nargs="+", default=[*MODELS])
    args = parser.parse_args()

    for model in args.model:
        sizes = [text for key, value in MODELS[model].items() for text in ("--" + key.replace("_", "-"), str(value))]
        results: dict[str, list[dict]] = {}
        for turn in range(args.rounds):
            for name, command in programs(args.program, args.python).items():
                print(f"{model}, round {turn + 1} of {args.rounds}: {name}", file=sys.stderr)
                threads = 1 if "2 ranks" in name else 2
                results.setdefault(name, []).append(run(command + sizes, threads))
        shape = f"batch {MODELS[model]['batch']} x {MODELS[model]['seq']}"
        print(table(f"Llama {model}, {shape}, f32; ratios against {BASELINE}", {k: medians(v) for k, v in results.items()}))


if __name__ == "__main__":
    main()
