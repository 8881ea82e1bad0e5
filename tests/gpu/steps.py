"""What is tried, in order: numbers first, then jobs, then speed."""
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from report import Outcome

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--no-python", "--"]
# A model of 1.2 billion parameters, shaped as Llama 3.2 1B.
LARGE = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=2048, intermediate_size=8192, num_hidden_layers=16,
             num_attention_heads=32, num_key_value_heads=8, head_dim=64, vocab_size=128256, tie_word_embeddings=True)
SMALL = LARGE | dict(hidden_size=512, intermediate_size=1408, num_hidden_layers=2, num_attention_heads=8, num_key_value_heads=4, vocab_size=8000)


@dataclass
class Step:
    """Commands that have to end with 0, and what is read from what they print."""

    name: str
    about: str
    commands: list[list[str]]
    # A pattern of a failure that is this machine's, not the program's.
    impossible: str = "$^"
    # Made of what the commands printed; an error is a failure.
    check: Callable[[list[str]], str] = lambda printed: summary(printed)
    folder: Path = ROOT

    def run(self, environment: dict[str, str], out: Path, seconds: float) -> Outcome:
        start = time.monotonic()
        printed: list[str] = []
        status, text = "passed", ""
        try:
            for command in self.commands:
                left = seconds - (time.monotonic() - start)
                done = subprocess.run(command, cwd=self.folder, env=environment, timeout=max(left, 0.1), text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
                printed.append(done.stdout)
                if done.returncode != 0:
                    raise RuntimeError(f"`{' '.join(command)[:300]}` ended with {done.returncode}:\n{reason(done.stdout)}")
            text = self.check(printed)
        except subprocess.TimeoutExpired as expired:
            printed.append((expired.stdout or b"").decode(errors="replace"))
            status, text = "failed", f"`{' '.join(expired.cmd)[:300]}` was given {expired.timeout:.0f} s:\n{reason(printed[-1])}"
        except (RuntimeError, ValueError, KeyError, OSError) as error:
            status, text = "failed", str(error)
            if re.search(self.impossible, "\n".join([*printed, text])):
                status = "not possible here"
        (out / f"{self.name}.log").write_text("\n".join(printed))
        return Outcome(self.name, self.about, status, time.monotonic() - start, text)


def steps(binaries: Path, out: Path, device: str) -> list[Step]:
    def tests(name: str, about: str, binary: str, *flags: str) -> Step:
        return Step(name, about, [[str(binaries / binary), *flags]], folder=ROOT / "tests")

    def tp(*words: str, ranks: list[str] = [], where: str = device) -> list[str]:
        return [*ranks, str(binaries / "tp"), *words, "--device", where]

    job = ["train", "--config", "examples/demo/config.json", "--data", "examples/demo/tales.txt", "--steps", "60",
           "--global-batch", "4", "--sequence", "160", "--learning-rate", "1e-3"]
    grid = ["--dp", "2", "--tp", "2", "--zero", "1", "--sequence-parallel"]
    logs = {name: out / f"{name}.jsonl" for name in ("here", "cpu", "bf16", "gloo", "nccl")}
    model = out / "trained"
    for log in logs.values():
        log.unlink(missing_ok=True)
    text = ["generate", "--model", str(model / "latest"), "--prompt", "Once upon a time there was", "--max-new-tokens", "40"]
    log = lambda name: ["--log", str(logs[name])]
    pair = lambda backend: ["--tp", "2", "--backend", backend]

    every = [
        tests("parity", "every architecture, 1, 2 and 4 ranks that are threads, against transformers", "parity", "--test-threads", "4"),
        tests("degrees", "heads that no degree divides", "any_degree", "--test-threads", "4"),
        tests("training", "ZeRO 0, 1 and 3, recomputing, bf16, on grids, against transformers and torch", "training", "--test-threads", "4"),
        Step("train", "the demo's job on 2 x 2 ranks, and its losses beside the CPU's",
             [tp(*job, *grid, *log("here"), "--save", str(model)), tp(*job, *log("cpu"), where="cpu")],
             check=lambda printed: same_losses(logs["here"], logs["cpu"], 1e-2)),
        Step("bf16", "the job in bf16, with masters in f32", [tp(*job, *grid, *log("bf16"), "--dtype", "bf16")],
             check=lambda printed: same_losses(logs["bf16"], logs["cpu"], 0.1)),
        Step("generate", "greedy text on one rank, on two, and on the CPU",
             [tp(*text), tp(*text, "--tp", "2"), tp(*text, where="cpu")], check=same_text),
        Step("gloo", "two processes over Gloo train", [tp(*job, *pair("gloo"), *log("gloo"), ranks=TORCHRUN)],
             check=lambda printed: same_losses(logs["gloo"], logs["cpu"], 1e-2)),
    ]
    if device == "cuda":
        every += [
            tests("waits", "no decoded token, gradient or update waits for the GPU; captured steps; the allocator's bytes", "cuda", "--ignored", "--test-threads", "1"),
            Step("nccl-one", "every collective through NCCL, a group of one rank", [[str(binaries / "tp_dist"), "--ignored", "nccl"]]),
            Step("nccl", "two processes over NCCL train", [tp(*job, *pair("nccl"), *log("nccl"), ranks=TORCHRUN)],
                 impossible="Duplicate GPU detected", check=lambda printed: same_losses(logs["nccl"], logs["cpu"], 1e-2)),
        ]
    size, flags = (LARGE, ["--dtype", "bf16", "--device", "cuda", "--batch", "8", "--seq", "1024", "--new-tokens", "128"]) if device == "cuda" else (SMALL, ["--repeat", "1", "--warmup", "1"])
    return [*every, bench(binaries, size, flags)]


def bench(binaries: Path, config: dict, flags: list[str]) -> Step:
    own = ["--config", json.dumps(config), *flags]
    pytorch = [sys.executable, str(ROOT / "examples/bench/pytorch_tp.py"), "--unsharded", *own]
    ours = [str(binaries / "tp-bench"), *own]
    return Step("bench", "one rank beside PyTorch", [pytorch, ours, [*ours, "--tp", "2"]],
                impossible="No module named",
                check=lambda printed: "\n".join(map(" ".join, zip(("PyTorch:", "ours:", "ours, 2 ranks:"), map(figures, printed)))))


def figures(printed: str) -> str:
    return next(line for line in printed.splitlines() if line.startswith("{"))


def summary(printed: list[str]) -> str:
    """How many tests of the last command passed."""
    return next((line for line in reversed(printed[-1].splitlines()) if line.startswith("test result:")), "")


def reason(printed: str) -> str:
    """The lines of an output that tell why."""
    lines = printed.strip().splitlines()
    telling = [line for line in lines if re.search(r"panicked|error|Error|FAILED|failed|differences", line)]
    return "\n".join([*telling[:20], "...", *lines[-15:]])


def losses(log: Path) -> list[float]:
    lines = map(json.loads, log.read_text().splitlines())
    return [line["loss"] for line in lines if "loss" in line]


def same_losses(one: Path, other: Path, allowed: float) -> str:
    one, other = losses(one), losses(other)
    furthest = max(abs(a - b) for a, b in zip(one, other, strict=True))
    said = f"{len(one)} steps, loss {one[0]:.4f} to {one[-1]:.4f}; the furthest from the CPU's is off by {furthest:.1e}"
    if not furthest <= allowed:
        raise ValueError(f"{said}, where {allowed:.0e} is allowed")
    return said


def same_text(printed: list[str]) -> str:
    # How fast it was is noted beside the text.
    texts = [[line for line in text.splitlines() if not line.startswith("note: ")] for text in printed]
    if any(text != texts[0] for text in texts):
        raise ValueError("the texts differ:\n" + "\n---\n".join(printed))
    return "\n".join(texts[0])
