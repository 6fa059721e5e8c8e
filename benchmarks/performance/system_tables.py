"""The tables of docs/systems.md: all systems side by side, their distance from recorded numbers, and their size."""

from collections.abc import Mapping
from typing import Any

from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown
from benchmarks.systems.catalogue import SYSTEMS
from benchmarks.systems.quoted import QUOTED, SETS
from benchmarks.systems.tables import encode_ms, match_ms, picture_bytes


def golden_table(figures: Figures) -> str:
    """Return the largest difference of each output of each recorded method."""
    rows = []
    for found in figures["methods"].values():
        sizes = ", ".join(f"{height} × {width}" for height, width in found["pictures"])
        for number, row in enumerate(found["outputs"]):
            shown = (found["system"], sizes) if number == 0 else ("", "")
            rows.append([shown[0], row["output"], f"{row['largest']:.1e}", f"{row['bound']:.1e}", shown[1]])
    table = markdown(["system", "output", "largest difference", "bound", "pictures"], rows, left=2)
    compared = {found["system"] for found in figures["methods"].values()}
    missing = [system for system in figures["systems"] if system not in compared]
    told = f" Not compared in this run: {', '.join(missing)}." if missing else ""
    return f"{table}\n\nCompared on {figures['hardware']}.{told}"


def systems_table(figures: Figures) -> str:
    """Return the measurements of all systems, beside the paper's runtimes."""
    quoted = {row.title: row.seconds for row in QUOTED}
    rows = []
    for row in sorted(figures["systems"], key=lambda each: list(SYSTEMS).index(each["system"])):
        seconds = quoted.get(row["title"])
        rows.append(
            [
                row["title"],
                "random" if row["weights"] is None else "trained",
                *_recalls(row["recall"]),
                f"{encode_ms(row):,.0f}",
                f"{match_ms(row):,.0f}",
                str(row["timed_queries"]),
                f"{picture_bytes(row):,}",
                f"{row['peak_memory_bytes'] / 1e6:,.0f}",
                NO_FIGURE if seconds is None else f"*{seconds[0]:.3f} + {seconds[1]:.3f}*",
            ]
        )
    conditions = figures["conditions"]
    headings = ["system", "weights", "R@1 [95 %]", "R@5", "R@10", "encode ms", "match ms", "queries timed"]
    table = markdown([*headings, "bytes a picture", "memory MB", "the paper's seconds"], rows, left=2)
    pictures = f"{conditions['database']:,} pictures and {conditions['queries']:,} queries"
    told = f"Matching is with {conditions['rerank']} candidates; an answer is right within {conditions['truth']}"
    plot = "![R@1 of the trained systems over time, and over bytes of a picture](images/results/systems.svg)"
    return f"{table}\n\n{told}; {pictures}. On {conditions['machine']}.\n\n{plot}"


def quoted_systems_table() -> str:
    """Return the recalls that others have published: R@1, R@5 and R@10 in percent."""
    rows = []
    for row in QUOTED:
        recalls = [row.recalls.get(name) for name in SETS]
        shown = [NO_FIGURE if each is None else " / ".join(_number(value) for value in each) for each in recalls]
        rows.append([f"*{row.title}*", *(f"*{each}*" for each in shown), row.source, row.why_alone or ""])
    return markdown(["system", *SETS, "quoted from", "not measured here, because"], rows, left=7)


def lines_table(figures: Figures) -> str:
    """Return how many lines each system takes, with docstrings and empty lines."""
    rows = [
        [each["system"], ", ".join(f"`{name}`" for name in each["files"]), str(each["lines"])]
        for each in figures["lines"]
    ]
    return markdown(["system", "files of `model`", "lines"], rows, left=2)


def _recalls(recall: Mapping[str, Any] | None) -> list[str]:
    if recall is None:
        return [NO_FIGURE] * 3
    first, *others = (recall["after"][f"R@{value}"] for value in (1, 5, 10))
    return ["{value:.1f} [{low:.1f}, {high:.1f}]".format(**first), *(f"{each['value']:.1f}" for each in others)]


def _number(value: float | None) -> str:
    return NO_FIGURE if value is None else f"{value:.1f}"
