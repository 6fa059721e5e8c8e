"""The Markdown table of builds by workers on Ray."""

from benchmarks.performance.markdown import Figures, markdown


def cluster_build_table(figures: Figures) -> str:
    """Return speed, processor time and memory of a build by the number of workers."""
    rows = [
        [
            name,
            f"{each['pictures_per_s']:.2f}",
            f"{each['cpu_s']:.3f}",
            f"{each['memory_mb']:,.0f}",
        ]
        for name, each in figures["medians"].items()
    ]
    headings = ["workers of one thread", "pictures/s", "processor s per picture", "leading process, MB"]
    ratios = figures["ratios"]
    told = (
        f"{figures['pictures']} pictures; more workers encode {ratios['pictures_per_s']:.2f} times as fast as one, "
        f"with {ratios['cpu_s']:.2f} times the processor time. {figures['hardware']}."
    )
    return f"{markdown(headings, rows)}\n\n{told}"
