"""The Markdown tables of the stores of local features: recall and time, then counts and orders."""

from pathlib import Path

from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown

RANKS = ("1", "5", "10")

_BASE = "float32"  # the other stores are compared with it, on all queries


def store_table(figures: Figures) -> str:
    """Return both tables of one set of queries, with the conditions of the measurement."""
    conditions, rows = figures["conditions"], figures["rows"]
    recall = [
        [
            _name(row["way"]),
            f"{row['bytes_per_picture']:,}",
            f"{row['recall']['R@1']['value']:.1f}",
            *(_difference(row, rank) for rank in RANKS),
            f"{row['gather_ms']:.1f}",
            f"{row['match_ms']:.1f}",
        ]
        for row in rows
    ]
    headings = ["store, counted", "bytes a picture", "R@1", *(f"Δ R@{rank}" for rank in RANKS), "gather ms", "match ms"]
    changes = [
        [
            _name(row["way"]),
            f"{row['changes']['mean']:.2f}",
            f"{row['changes']['p50']:.0f}",
            f"{row['changes']['p99']:.0f}",
            f"{row['changes']['largest']}",
            *(f"{row['changes']['other_order'][rank]:.1f} %" for rank in RANKS),
        ]
        for row in rows[1:]
    ]
    others = [f"other order in first {rank}" for rank in RANKS]
    exact = rows[0]["changes"]
    asked = (
        f"{conditions['asked']:,} queries, {conditions['pictures']:,} pictures, top {conditions['shortlist']}. "
        f"{conditions['hardware']}."
    )
    compared = (
        f"Against float32 counted exactly, for {exact['queries']:,} of the queries: {exact['pairs']:,} pairs with "
        f"{exact['mean_count']:.0f} matches on average."
    )
    return "\n\n".join(
        (
            markdown(headings, recall),
            asked,
            markdown(["store, counted", "Δ count, mean", "median", "99 %", "largest", *others], changes),
            compared,
        )
    )


def store_recall_table(*sets: Figures) -> str:
    """Return recall alone, of the stores in several sets of queries or of several networks, counted fast."""
    conditions = [figures["conditions"] for figures in sets]
    headings = ["store", "bytes a picture"]
    for each in conditions:
        asked = ", ".join(Path(name).with_suffix("").as_posix() for name in each["queries"])
        headings += [f"{asked} ({each['asked']:,}), {each['weights'][:8]}", "Δ R@1"]
    found = [
        {row["way"]["store"]: row for row in figures["rows"] if row["way"]["precision"] == "fast"} for figures in sets
    ]
    rows = []
    for store, first in found[0].items():
        cells = [store, f"{first['bytes_per_picture']:,}"]
        for of_set in found:
            row = of_set.get(store)
            cells += (
                [NO_FIGURE, NO_FIGURE]
                if row is None
                else [f"{row['recall']['R@1']['value']:.1f}", "" if store == _BASE else _difference(row, "1")]
            )
        rows.append(cells)
    hardware = " ".join(dict.fromkeys(f"{each['hardware']}." for each in conditions))
    asked = f"R@1, top {conditions[0]['shortlist']}; after the queries, the network."
    return f"{markdown(headings, rows)}\n\n{asked} {hardware}"


def _name(way: Figures) -> str:
    return f"{way['store']}, {way['precision']}"


def _difference(row: Figures, rank: str) -> str:
    if (row["way"]["store"], row["way"]["precision"]) == ("float32", "exact"):
        return ""
    interval = row["difference"][f"R@{rank}"]
    return f"{interval['value']:+.1f} [{interval['low']:+.1f}, {interval['high']:+.1f}]"
