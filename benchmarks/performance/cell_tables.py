"""The Markdown table of fewer cells: recall by store, way of choosing and number of cells."""

from pathlib import Path

from benchmarks.performance.markdown import Figures, markdown


def cells_table(*sets: Figures) -> str:
    """Return recall with fewer cells, of several sets of queries by the same network.

    Args:
        sets: The figures of ``python -m benchmarks cells``, with the same numbers of cells, stores and ways.
    """
    conditions = [figures["conditions"] for figures in sets]
    headings = ["store", "kept", "cells", "bytes a picture"]
    for each in conditions:
        asked = ", ".join(Path(name).with_suffix("").as_posix() for name in each["queries"])
        headings += [f"{asked} ({each['asked']:,}): Δ R@1", "the query's cells chosen, too"]
    rows: dict[tuple[str, str, int], list[str]] = {}
    for figures in sets:
        for row in figures["rows"]:
            cells = rows.setdefault(
                (row["store"], row["way"], row["cells"]),
                [row["store"], row["way"], f"{row['cells']:,}", f"{row['bytes']:,}"],
            )
            cells.append(_difference(row))
            if row["way"] == "all":
                cells.append("")
    first = conditions[0]
    shortlists = ", ".join(sorted({str(each["shortlist"]) for each in conditions}))
    recall = "; ".join(
        f"{', '.join(Path(name).with_suffix('').as_posix() for name in each['conditions']['queries'])} "
        f"{each['rows'][0]['recall']['R@1']['value']:.1f}"
        for each in sets
    )
    hardware = " ".join(dict.fromkeys(f"{each['hardware']}." for each in sets))
    return (
        f"{markdown(headings, list(rows.values()), left=2)}\n\nPoints of R@1 more than all {first['cells']:,} cells in "
        f"{sets[0]['rows'][0]['store']} [95 %], which has: {recall}. Top {shortlists}, weights `{first['weights']}`. "
        f"{hardware}"
    )


def _difference(row: Figures) -> str:
    interval = row["difference"]["R@1"]
    return f"{interval['value']:+.1f} [{interval['low']:+.1f}, {interval['high']:+.1f}]"
