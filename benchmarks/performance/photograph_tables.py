"""The Markdown tables of recall and speed of the starter on photographs."""

from typing import Any

from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown

RANKS = ("R@1", "R@5", "R@10")


def photographs_table(figures: Figures, random: Figures) -> str:
    """Return the table of all sets and networks, with the conditions of the measurement.

    Args:
        figures: The networks that are compared in time, too.
        random: A random network, which was measured on another machine: its times are left out.
    """
    rows = sorted([*figures["rows"], *random["rows"]], key=lambda row: _order(figures, row))
    headings = [
        "queries",
        "network",
        "R@1",
        "R@5",
        "R@10",
        "re-ranked R@1",
        "R@5",
        "R@10",
        "ms a query",
        "bytes a picture",
    ]
    cells = [
        [
            f"{row['queries']} ({row['asked']} on {row['database']})",
            row["network"],
            *_recalls(row["before"]),
            *_recalls(row["after"]),
            NO_FIGURE if row in random["rows"] else f"{sum(row['ms'].values()):.0f}",
            f"{row['bytes_per_picture']:,}",
        ]
        for row in rows
    ]
    measured = f"{figures['hardware']}; the random network: {random['hardware']}."
    return f"{markdown(headings, cells, left=2)}\n\nRe-ranked: the first {figures['rerank']}. {measured}"


def _order(figures: Figures, row: dict[str, Any]) -> int:
    """Return the sort key of a row, so that all networks of one set are together, in the order of the sets."""
    names = list(dict.fromkeys(each["queries"] for each in figures["rows"]))
    return names.index(row["queries"])


def _recalls(recalls: dict[str, dict[str, float]]) -> list[str]:
    first = "{value:.1f} [{low:.1f}, {high:.1f}]".format(**recalls["R@1"])
    return [first, *(f"{recalls[rank]['value']:.1f}" for rank in RANKS[1:])]


def starter_table(figures: Figures) -> str:
    """Return rates of building and the time of a query, with the conditions of the measurement."""
    headings = ["pictures", "encoder alone, pictures/s", "whole build, pictures/s"]
    rates = figures["builds"].items()
    rows = [[name, f"{each['encoder_rate']:.1f}", f"{each['build_rate']:.1f}"] for name, each in rates]
    milliseconds = {stage: f"{1000 * each_s:.1f}" for stage, each_s in figures["query_s"].items()}
    total = milliseconds.pop("total")
    stages = ", ".join(f"{stage} {each}" for stage, each in milliseconds.items())
    asked = (
        f"A query of 512 × 288 pixels with {figures['shortlist']} candidates takes {total} ms ({stages}; medians of "
        f"{figures['queries']}). {figures['hardware']}."
    )
    return f"{markdown(headings, rows)}\n\n{asked}"
