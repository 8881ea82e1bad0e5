"""What is compared: each program's command, and one run of it."""
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNSHARDED, SHARDED = "PyTorch, unsharded", "PyTorch, 2 ranks, Gloo"
# Every ratio is against the first of these that gave a figure.
BASELINES = (SHARDED, UNSHARDED)


class Failure(Exception):
    """Why a program gave no figures."""


@dataclass
class Program:
    """A command that prints one JSON line. Two threads compute in all, everywhere: two ranks have one each."""

    command: list[str]
    ranks: int = 1

    def run(self, flags: list[str]) -> dict:
        """What the JSON line says."""
        threads = str(2 // self.ranks)
        environment = os.environ | dict(OMP_NUM_THREADS=threads, RAYON_NUM_THREADS=threads)
        try:
            done = subprocess.run(self.command + flags, env=environment, text=True, capture_output=True)
        except OSError as error:
            raise Failure(str(error)) from error
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode != 0 or len(lines) != 1:
            raise Failure(f"status {done.returncode}: {reason(done.stderr + done.stdout)}")
        return json.loads(lines[0])


def reason(printed: str) -> str:
    """The line of an output that tells why."""
    lines = [re.sub(r"^\[rank\d+\]:", "", line).strip() for line in printed.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"\w*(Error|error|panicked)\b", line) and "ChildFailedError" not in line]
    return next(iter(telling or lines[-1:]), "it printed nothing")


def tensor_parallel(program: Path, python: str, candle: Path | None) -> dict[str, Program]:
    """Forward, train step, decoding and prompt, on one rank and on two."""
    torchrun, pytorch = launcher(python), str(HERE / "pytorch_tp.py")
    ours = str(program)
    others = {"candle": Program([str(candle)])} if candle else {}
    return {
        UNSHARDED: Program([python, pytorch, "--unsharded"]),
        SHARDED: Program([*torchrun, pytorch], ranks=2),
        **others,
        "ours, 1 rank": Program([ours]),
        "ours, 2 ranks, local": Program([ours, "--tp", "2", "--backend", "local"], ranks=2),
        "ours, 2 ranks, Gloo": Program([*torchrun, "--no-python", ours, "--tp", "2", "--backend", "gloo"], ranks=2),
    }


def data_parallel(program: Path, python: str) -> dict[str, Program]:
    """Training alone."""
    torchrun, pytorch = launcher(python), str(HERE / "pytorch_fsdp.py")
    ours = str(program.with_name("tp-train-bench"))
    local = [ours, "--dp", "2", "--backend", "local"]
    gloo = [*torchrun, "--no-python", ours, "--dp", "2", "--backend", "gloo"]
    return {
        UNSHARDED: Program([python, pytorch, "--unsharded"]),
        SHARDED: Program([*torchrun, pytorch], ranks=2),
        SHARDED + ", recomputing": Program([*torchrun, pytorch, "--recompute"], ranks=2),
        "ours, 1 rank": Program([ours]),
        "ours, 1 rank, recomputing": Program([ours, "--recompute"]),
        **{f"ours, 2 ranks, local, zero {stage}": Program([*local, "--zero", stage], ranks=2) for stage in ("0", "1", "3")},
        **{f"ours, 2 ranks, Gloo, zero {stage}": Program([*gloo, "--zero", stage], ranks=2) for stage in ("0", "1", "3")},
    }


def launcher(python: str) -> list[str]:
    return [python, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
