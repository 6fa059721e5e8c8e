"""The tables of the systems: measured figures, and published ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from benchmarks.systems.measure import MATCH_STAGES, RECALL_VALUES
from benchmarks.systems.quoted import QUOTED, SETS, Recalls

_NO_FIGURE = "–"


def encode_ms(row: Mapping[str, Any]) -> float:
    """Return the milliseconds of encoding a query."""
    return float(row["ms"]["encode"])


def match_ms(row: Mapping[str, Any]) -> float:
    """Return the milliseconds between the features of a query and its candidates."""
    return float(sum(row["ms"][stage] for stage in MATCH_STAGES))


def picture_bytes(row: Mapping[str, Any]) -> int:
    """Return the bytes that a map stores of a picture's features."""
    return int(row["global_bytes"]) + int(row["local_bytes"])


def measured_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the measured figures; a system with random weights has no recall."""
    table = Table(title="measured here; recall in percent [95 %]")
    headings = ["system", "weights", *(f"R@{value}" for value in RECALL_VALUES), "R@1, not re-ranked"]
    headings += ["encode ms", "match ms", "candidates", "bytes a picture", "memory MB"]
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < 2 else "right")
    for row in rows:
        table.add_row(
            row["title"],
            row["weights"] or "random",
            *_recalls(row["recall"]),
            f"{encode_ms(row):,.1f}",
            f"{match_ms(row):,.1f}",
            str(row["candidates"]),
            f"{picture_bytes(row):,}",
            f"{row['peak_memory_bytes'] / 1e6:,.0f}",
        )
    return table


def quoted_table() -> Table:
    """Return the published figures, each marked as quoted."""
    table = Table(title="quoted, not measured here: R@1/R@5/R@10 in percent, seconds of SelaVPR's paper, Table 3")
    for heading in ("system", *SETS, "encode s", "match s", "quoted from", "measured here?"):
        table.add_column(heading, justify="left")
    for row in QUOTED:
        seconds = row.seconds
        table.add_row(
            row.title,
            *(_slashed(row.recalls.get(name)) for name in SETS),
            *((_NO_FIGURE, _NO_FIGURE) if seconds is None else (f"{each:.3f}" for each in seconds)),
            row.source,
            "can be" if row.why_alone is None else f"no: {row.why_alone}",
        )
    return table


def _recalls(recall: Mapping[str, Any] | None) -> list[str]:
    if recall is None:
        return [_NO_FIGURE] * (len(RECALL_VALUES) + 1)
    texts = ["{value:.1f} [{low:.1f}, {high:.1f}]".format(**recall["after"][f"R@{value}"]) for value in RECALL_VALUES]
    return [*texts, f"{recall['before']['R@1']['value']:.1f}"]


def _slashed(recalls: Recalls | None) -> str:
    if recalls is None:
        return _NO_FIGURE
    return " / ".join(_NO_FIGURE if each is None else f"{each:.1f}" for each in recalls)
