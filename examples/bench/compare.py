#!/usr/bin/env python3
"""Runs our bench and others' in turn, several rounds, and prints a Markdown table of medians and ratios for each model.

Needs nothing but Python's own library; what it starts needs torch and transformers.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

import figures
from figures import DECODE, Figure, Results
from models import MODELS, Model
from programs import BASELINES, HERE, Failure, Program, data_parallel, tensor_parallel
from table import head, table


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="the built `tp-bench`, beside which `tp-train-bench` stands")
    parser.add_argument("--candle-program", type=Path, help="the built `candle-bench`, for Llamas")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch and transformers")
    parser.add_argument("--training", action="store_true", help="data-parallel training instead, with `tp-train-bench`")
    parser.add_argument("--model", choices=MODELS, nargs="+", default=[*MODELS])
    parser.add_argument("--figure", choices=[figure.name for figure in figures.TENSOR_PARALLEL], nargs="+", help="these columns only")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=2, help="runs before the counted ones")
    parser.add_argument("--repeat", type=int, default=7, help="counted runs of a round")
    parser.add_argument("further", nargs="*", help="flags for every program after `--`, such as `--new-tokens 8`")
    return parser.parse_args()


def programs(args: argparse.Namespace, model: Model) -> dict[str, Program]:
    if args.training:
        return data_parallel(args.program, args.python)
    # candle's program knows Llamas in f32 alone.
    has_candle = model.is_llama and args.dtype == "f32"
    return tensor_parallel(args.program, args.python, args.candle_program if has_candle else None)


def measure(args: argparse.Namespace, name: str, wanted: list[Figure], flags: list[str]) -> dict[str, Results]:
    """All rounds of all programs, in turn; one that fails is not run again for the same figures."""
    compared = programs(args, MODELS[name])
    results = {program: Results() for program in compared}
    for turn in range(args.rounds):
        for program, command in compared.items():
            for further, given in figures.runs(wanted):
                if results[program].has_failed(given):
                    continue
                print(f"{name}, round {turn + 1} of {args.rounds}: {program}: {', '.join(figure.name for figure in given)}", file=sys.stderr)
                try:
                    results[program].add(given, command.run(flags + further))
                except Failure as failure:
                    results[program].fail(given, failure)
    return results


def compare(args: argparse.Namespace, name: str, wanted: list[Figure]) -> str:
    """The table of a model."""
    model = MODELS[name]
    held = ["--config", json.dumps(model.config), *(["--dtype", args.dtype] if args.dtype != "f32" else [])]
    # Every data-parallel rank finds the gradients of all weights: with few tokens that is most of the work.
    batch = model.batch * (4 if args.training else 1)
    shape = ["--batch", str(batch), "--seq", str(model.sequence)]
    turns = ["--warmup", str(args.warmup), "--repeat", str(args.repeat)]
    results = measure(args, name, wanted, [*held, *shape, *turns, *args.further])
    base = next((base for base in BASELINES if results[base].rounds), BASELINES[0])
    title = f"{name}, batch {batch} x {model.sequence}; ratios against {base}."
    if DECODE not in wanted:
        return table(title, wanted, results, base, None)
    floor = Program([args.python, str(HERE / "floor.py")]).run(held)
    rate = floor["tokens_per_s"]
    title += (f" A token reads {floor['weights_mb']:.0f} MB of weights; at the {floor['bandwidth_gb_per_s']:.1f} GB/s of torch's matrix-vector "
              f"products that is a floor of {1e3 / rate:.1f} ms, {rate:.1f} tok/s.")
    return table(title, wanted, results, base, rate)


def main() -> None:
    args = arguments()
    known = figures.DATA_PARALLEL if args.training else figures.TENSOR_PARALLEL
    wanted = [figure for figure in known if not args.figure or figure.name in args.figure]
    torch = subprocess.check_output([args.python, "-c", "import torch; print(torch.__version__)"], text=True).strip()
    print(head(torch, args.dtype, args.rounds, args.warmup, args.repeat))
    for name in args.model:
        print("\n" + compare(args, name, wanted), flush=True)


if __name__ == "__main__":
    main()
