"""The Markdown table of wrong positions that are found, and of right ones that are suspected."""

from benchmarks.ablations.bootstrap import Interval
from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown


def outliers_table(figures: Figures) -> str:
    """Return the table of all maps, with the conditions of the measurement."""
    headings = ["map", "moved", "suspects", "precision", "recall"]
    rows = []
    for each in figures["maps"]:
        name = f"{each['map']} ({each['pictures']:,})"
        rows.append([name, "none", f"{each['suspects_unmoved']:,}", NO_FIGURE, NO_FIGURE])
        for moved in each["moved"]:
            precision, recall = (
                NO_FIGURE if moved[measure] is None else str(Interval(**moved[measure]))
                for measure in ("precision", "recall")
            )
            rows.append([name, f"{moved['share']:.0%} {moved['target']}", f"{moved['suspects']:,}", precision, recall])
    checked = ", ".join(f"{each['map']} {100 * each['checked'] / each['pictures']:.0f} %" for each in figures["maps"])
    costs = ", ".join(f"{each['map']} {1000 * each['cpu_s_per_picture']:.0f} ms" for each in figures["maps"])
    measured = (
        f"Moved by {figures['least_m']:g} m or more; all of {figures['seeds']} choices of the moved pictures together. "
        f"Pictures of which a wrong position would show: {checked}. A picture takes, with {figures['candidates']} "
        f"candidates on one core: {costs}. {figures['hardware']}."
    )
    return f"{markdown(headings, rows, left=2)}\n\n{measured}"
