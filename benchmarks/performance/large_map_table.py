"""The Markdown table of maps of many invented places, with the exponent of growth of each row."""

from benchmarks.large_map.growth import growth_rows
from benchmarks.performance.markdown import Figures, markdown


def large_map_table(figures: Figures) -> str:
    """Return bytes, memory and seconds by the size of the map."""
    headings, rows = growth_rows(figures["sizes"])
    asked = f"{figures['queries']} queries, {figures['shortlist']} candidates of {figures['cells']:,} cells"
    return f"{markdown(headings, rows)}\n\n{asked}, {figures['width']:,} wide. {figures['hardware']}."
