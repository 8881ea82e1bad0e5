#!/usr/bin/env python3
"""Tries the built programs on the GPUs of this machine and writes one report.

    python3 run.py --binaries DIR --out DIR

Needs what `./dev gpu-build` made, this folder's repository, and a Python with torch 2.11, whose libtorch the programs use;
no compiler and no network. Each step stands for itself: one that fails says why, and the others go on. With --device cpu
the same steps run on processors, with the libtorch that the programs were built with.
"""
import argparse
import os
import sys
import time
from pathlib import Path

from report import Report
from steps import steps


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, required=True, help="the folder of the built programs")
    parser.add_argument("--out", type=Path, required=True, help="where report.md and what each step printed go")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--libtorch", type=Path, help="the folder with libtorch.so [default: that of this Python's torch]")
    parser.add_argument("--only", nargs="+", metavar="STEP", help="these steps only")
    parser.add_argument("--seconds", type=int, default=600, help="what all steps may take together")
    return parser.parse_args()


def libraries(args: argparse.Namespace) -> str:
    """The folders of libtorch and of what it links, for the loader; none on the CPU, where programs know it."""
    if args.libtorch or args.device == "cpu":
        return str(args.libtorch.resolve()) if args.libtorch else os.environ.get("LD_LIBRARY_PATH", "")
    import torch

    site = Path(torch.__file__).parents[1]
    folders = [site / "torch/lib", *sorted(site.glob("nvidia/*/lib"))]
    return ":".join(map(str, folders))


def main() -> None:
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"LD_LIBRARY_PATH": libraries(args), "TP_TEST_DEVICE": args.device}
    report = Report(args.out, args.device)
    end = time.monotonic() + args.seconds
    every = steps(args.binaries.resolve(), args.out.resolve(), args.device)
    unknown = set(args.only or []) - {step.name for step in every}
    if unknown:
        sys.exit(f"there is no step {', '.join(sorted(unknown))}; there are: {', '.join(step.name for step in every)}")
    for step in every:
        if not args.only or step.name in args.only:
            report.add(step.run(environment, args.out, end - time.monotonic()))
    sys.exit(report.write())


if __name__ == "__main__":
    main()
