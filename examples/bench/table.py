"""Results as Markdown."""
import os
from pathlib import Path

from figures import DECODE, Figure, Results


def head(torch: str, dtype: str, rounds: int, warmup: int, repeat: int) -> str:
    """What the numbers are of."""
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in cpus if line.startswith("model name")), "unnamed processor")
    return (f"{name}, {os.cpu_count()} cores, torch {torch}, {dtype}; two threads in all. Rounds: {rounds}; of each, the median of "
            f"{repeat} repeats after {warmup} that do not count (decoding and prompts: at most 3 after at most 1); of these, the median.")


def table(title: str, figures: list[Figure], results: dict[str, Results], base: str, floor: float | None) -> str:
    """One row a program; beside each figure how many times as fast as `base` it is.

    `floor` is the tokens per second at which decoding would do nothing but read weights.
    """
    columns = [figure.title for figure in figures] + ["peak MiB per process"]
    if floor:
        columns.insert(figures.index(DECODE) + 1, "of the floor")
    lines = [title, "", row(["", *columns]), row(["---"] * (len(columns) + 1))]
    for name, result in results.items():
        cells = []
        for figure in figures:
            cells.append(cell(figure, result, results[base]))
            if floor and figure is DECODE:
                rate = result.median(figure)
                cells.append(f"{rate / floor:.0%}" if rate else "")
        lines.append(row([name, *cells, " + ".join(map(str, result.peak))]))
    return "\n".join([*lines, *failures(results)])


def cell(figure: Figure, result: Results, base: Results) -> str:
    value, compared = result.median(figure), base.median(figure)
    if value is None:
        return "failed"
    shown = f"{value:.1f} tok/s" if figure.is_rate else f"{value:.3f} s"
    return f"{shown}, {figure.ratio(value, compared):.2f}" if compared else shown


def failures(results: dict[str, Results]) -> list[str]:
    """Why figures are missing, each reason once."""
    missing: dict[str, list[str]] = {}
    for name, result in results.items():
        for figure, failure in result.failures.items():
            missing.setdefault(f"{name}: {failure}", []).append(figure.title)
    return [f"\n{reason} ({', '.join(titles)})" for reason, titles in missing.items()]


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
