"""The Markdown tables of recall with floors of mutual matches."""

from collections.abc import Sequence
from itertools import groupby

from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown

_NO_FLOOR = -1.0
_COMPARED = (0.82, 0.84, 0.86, 0.88, 0.9)


def floor_tables(figures: Figures) -> str:
    """Return both tables of one network, with the conditions of the measurement."""
    counted = figures["queries_by_condition"]
    headings = [f"{name} ({count:,})" for name, count in counted.items()]
    recall = [["global", NO_FIGURE, NO_FIGURE, *(_said(figures["global_R@1"][name]) for name in counted)]]
    recall += [
        [
            _name(row["floor"]),
            *(_mean(row[f"mean_matches_of_{which}"]) for which in ("right", "wrong")),
            *(_said(row["R@1"][name]) for name in counted),
        ]
        for row in figures["floors"]
    ]
    points = [
        [_name(row["floor"]), *(_said(row["R@1_minus_no_floor"][name], sign="+") for name in counted)]
        for row in figures["floors"]
        if row["floor"] != _NO_FLOOR
    ]
    asked = (
        f"{figures['queries']:,} queries, {figures['database']:,} pictures, top {figures['shortlist']}, counted "
        f"{figures['precision']}. {figures['hardware']}."
    )
    return "\n\n".join(
        (
            markdown(
                ["floor", "matches of a right candidate", "matches of a wrong candidate", *headings], _merged(recall)
            ),
            "Points of R@1 to no floor, paired by query:",
            markdown(["floor", *headings], _merged(points)),
            asked,
        )
    )


def floor_networks_table(*networks: Figures) -> str:
    """Return the points of R@1 that floors add, for several networks: all queries, fog and night."""
    groups = ("all", "fog", "night")
    headings = ["network", "floor", *(f"{name}: R@1" for name in groups), *(f"{name}: points" for name in groups)]
    rows = []
    for figures in networks:
        for row in figures["floors"]:
            if row["floor"] not in (_NO_FLOOR, *_COMPARED):
                continue
            is_none = row["floor"] == _NO_FLOOR
            change = row["R@1_minus_no_floor"]
            rows.append(
                [
                    figures["weights"][:8],
                    _name(row["floor"]),
                    *(_said(row["R@1"][name]) for name in groups),
                    *("" if is_none else _said(change[name], sign="+") for name in groups),
                ]
            )
    hardware = " ".join(dict.fromkeys(f"{figures['hardware']}." for figures in networks))
    asked = f"{networks[0]['queries']:,} queries, {networks[0]['database']:,} pictures, top {networks[0]['shortlist']}."
    return f"{markdown(headings, rows, left=2)}\n\n{asked} {hardware}"


def _merged(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Merge consecutive rows with equal values into one row, from the first floor to the last."""
    merged = []
    for figures, same in groupby(rows, key=lambda row: row[1:]):
        names = [row[0] for row in same]
        merged.append([names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}", *figures])
    return merged


def _name(floor: float) -> str:
    return "none" if floor == _NO_FLOOR else f"{floor:g}"


def _mean(matches: float | None) -> str:
    return NO_FIGURE if matches is None else f"{matches:.0f}"


def _said(interval: Figures, sign: str = "") -> str:
    value, low, high = (format(interval[name], f"{sign}.1f") for name in ("value", "low", "high"))
    return f"{value} <sub>[{low}, {high}]</sub>"
