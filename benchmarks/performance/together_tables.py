"""The Markdown table of the results of photos that are asked together."""

from benchmarks.performance.markdown import Figures, markdown


def together_table(figures: Figures) -> str:
    """Return the table of one set of photos, with the conditions of the measurement."""
    headings = ["asked", "photos together", "answers", "R@1"]
    rows = [
        [
            f"{figures['queries']}, as a {row['kind']}",
            str(row["photos"]),
            str(row["asked"]),
            "{value:.1f} [{low:.1f}, {high:.1f}]".format(**row["R@1"]),
        ]
        for row in figures["rows"]
    ]
    told = f"Re-ranked: the first {figures['rerank']} of {figures['database']} pictures. {figures['hardware']}."
    return f"{markdown(headings, rows)}\n\n{told}"
