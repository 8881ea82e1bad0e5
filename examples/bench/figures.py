"""What is measured of a program, and what it has to be asked for it."""
from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from itertools import groupby

from programs import Failure


@dataclass(frozen=True)
class Figure:
    name: str
    title: str
    # What the JSON line calls it.
    key: str
    # Whether more of it is better.
    is_rate: bool = False
    # The part of the bench that measures it.
    part: str | None = None
    further: tuple[str, ...] = ()

    def ratio(self, value: float, base: float) -> float:
        """How many times as fast as the base."""
        return value / base if self.is_rate else base / value


DECODE = Figure("decode", "decode", "decode_tokens_per_s", is_rate=True, part="decode")
TENSOR_PARALLEL = (
    Figure("forward", "forward", "forward_s", part="forward"),
    Figure("train", "train step", "train_step_s", part="train"),
    DECODE,
    Figure("decode-8", "decode, batch 8", "decode_tokens_per_s", is_rate=True, part="decode", further=("--decode-batch", "8")),
    Figure("prompt", "prompt, 2048", "prompt_s", part="prompt", further=("--prompt-length", "2048")),
)
DATA_PARALLEL = (Figure("train", "step", "train_step_s"),)


def runs(figures: list[Figure]) -> list[tuple[list[str], list[Figure]]]:
    """The flags of each process that is to be started, and the figures it gives."""
    grouped = [(further, [*group]) for further, group in groupby(figures, lambda figure: figure.further)]
    return [([*further, *parts(group)], group) for further, group in grouped]


def parts(figures: list[Figure]) -> list[str]:
    names = [figure.part for figure in figures if figure.part]
    return ["--parts", ",".join(names)] if names else []


@dataclass
class Results:
    """What all rounds gave of one program."""

    rounds: dict[Figure, list[float]] = field(default_factory=dict)
    failures: dict[Figure, Failure] = field(default_factory=dict)
    # MiB of each process, the most in any run.
    peak: list[int] = field(default_factory=list)

    def add(self, figures: list[Figure], line: dict) -> None:
        for figure in figures:
            self.rounds.setdefault(figure, []).append(line[figure.key])
        peak = line["peak_rss_mb"]
        self.peak = [max(pair) for pair in zip(self.peak or peak, peak)]

    def fail(self, figures: list[Figure], failure: Failure) -> None:
        for figure in figures:
            self.rounds.pop(figure, None)
            self.failures[figure] = failure

    def has_failed(self, figures: list[Figure]) -> bool:
        return any(figure in self.failures for figure in figures)

    def median(self, figure: Figure) -> float | None:
        return statistics.median(self.rounds[figure]) if figure in self.rounds else None
