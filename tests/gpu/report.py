"""One table of all steps, and what each of them says."""
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Outcome:
    """What became of a step."""

    name: str
    about: str
    # "passed", "failed" or "not possible here"
    status: str
    seconds: float
    # Why it failed, or what it measured.
    text: str


class Report:
    def __init__(self, out: Path, device: str):
        self.out, self.device, self.outcomes = out, device, []

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        print(f"{outcome.status:18}{outcome.seconds:7.1f} s  {outcome.name}: {outcome.about}", flush=True)
        if outcome.status != "passed":
            print("    " + outcome.text.strip().replace("\n", "\n    "), flush=True)
        # Again after each step: who ends the run loses only what had not come yet.
        self.write()

    def write(self) -> int:
        """Writes report.md; 1 if a step failed."""
        lines = [f"# On {self.device}", "", *(f"- {line}" for line in machine(self.device)), "", "| step | | seconds |", "|---|---|---|"]
        lines += [f"| {one.name}: {one.about} | {one.status} | {one.seconds:.1f} |" for one in self.outcomes]
        for one in self.outcomes:
            if one.text.strip():
                lines += ["", f"## {one.name}", "", "```", one.text.strip(), "```"]
        (self.out / "report.md").write_text("\n".join(lines) + "\n")
        return int(any(one.status == "failed" for one in self.outcomes))


def machine(device: str) -> list[str]:
    """What the numbers are of."""
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    facts = [f"{len(names)} x {names[0]}", f"{platform.system()} {platform.release()}"]
    if device == "cuda":
        asked = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
        facts += subprocess.run(asked, capture_output=True, text=True).stdout.splitlines()
        import torch

        facts.append(f"torch {torch.__version__}, NCCL {'.'.join(map(str, torch.cuda.nccl.version()))}")
    return facts
