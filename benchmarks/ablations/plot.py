"""A plot of recall over the number of answers: the unchanged backbone, adapted, and re-ranked; by day and at night."""

from pathlib import Path

from benchmarks.ablations.cells import FROZEN, SELAVPR
from benchmarks.ablations.conditions import DAY
from benchmarks.ablations.outcome import recall_percent
from benchmarks.ablations.results import Results
from placefix.drawings.plots import COLOURS, LINES, panels

MOST = 20
_PANELS: dict[str, tuple[str, ...]] = {"all": (), "day": DAY, "night": ("night",)}


def draw_recall(results: Results, shortlist: int, out: Path) -> None:
    """Draw recall@1 to recall@20, the mean over the seeds.

    Args:
        results: The finished results; a system without results has no curve.
        shortlist: The number of re-ranked candidates.
        out: The file, ``.svg`` or ``.png``.

    Raises:
        InvalidInput: matplotlib is not installed, or the file has an unknown suffix.
    """
    systems = (
        ("backbone as it is", FROZEN, 0),
        ("adapted", SELAVPR, 0),
        (f"adapted, top {shortlist} re-ranked", SELAVPR, shortlist),
    )
    titles = tuple(
        f"{name} ({int(results.conditions.mask(*conditions).sum()):,} queries)" for name, conditions in _PANELS.items()
    )
    with panels(out, titles, panel_inches=(3.2, 3.3)) as (figure, axes):
        for panel, conditions in zip(axes, _PANELS.values(), strict=True):
            mask = results.conditions.mask(*conditions)
            for number, (says, cell, reranked) in enumerate(systems):
                found = [run.outcome.first_right(reranked)[mask] for run in results.seeds(cell)]
                if not found:
                    continue
                at = range(1, MOST + 1)
                recall = [sum(recall_percent(ranks, top) for ranks in found) / len(found) for top in at]
                panel.plot(at, recall, color=COLOURS[number], linestyle=LINES[number], linewidth=1.8, label=says)
            panel.set(xlim=(1, MOST), ylim=(0, 102), xticks=(1, 5, 10, 15, 20), xlabel="N")
        axes[0].set_ylabel("recall@N, %")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(systems))
