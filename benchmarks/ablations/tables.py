"""Tables of the results as Markdown; a cell without results says so."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.ablations.bootstrap import Interval
from benchmarks.ablations.cells import (
    CLASS_TOKEN,
    COARSE,
    FROZEN,
    FROZEN_COARSE,
    FULLY_TUNED,
    GLOBAL_ONLY,
    HALF,
    LOCAL_ONLY,
    NARROW,
    PAPER_LOSS,
    PARALLEL,
    QUARTER,
    SEEDS,
    SELAVPR,
    SERIAL,
    STEEP,
    WIDE,
    Cell,
)
from benchmarks.ablations.conditions import DAY
from benchmarks.ablations.results import Results

NOT_RUN = "not run"
RANKS = (1, 5, 10)
_VARIANTS_SEED = 0
_HAS_NO_LOCAL = (FROZEN, FULLY_TUNED, GLOBAL_ONLY)


def condition_table(results: Results, shortlist: int) -> str:
    """Return the table of frozen, adapted and re-ranked networks, under each condition."""
    rows = []
    for says, conditions in _groups(results):
        count = int(results.conditions.mask(*conditions).sum())
        cells = [(FROZEN, 0), (SELAVPR, 0), (SELAVPR, shortlist)]
        rows.append([says, f"{count:,}", *(_triple(results, cell, top, conditions) for cell, top in cells)])
    return _table(["queries", "n", "frozen", "adapted", f"adapted, top {shortlist} re-ranked"], rows)


def difference_table(results: Results, shortlist: int) -> str:
    """Return the gains of adapting and of re-ranking, in points of R@1 paired by query."""
    rows = [
        [
            says,
            _said(results.difference(SELAVPR, FROZEN, 1, 0, *conditions)),
            _said(results.gain(SELAVPR, shortlist, 1, *conditions)),
        ]
        for says, conditions in _groups(results)
    ]
    return _table(["queries", "adapted − frozen", f"top {shortlist} re-ranked − adapted"], rows)


def backbone_table(published: Results, others: Mapping[str, Results], shortlist: int) -> str:
    """Return R@1 of the whole chain with different backbones.

    Args:
        published: The results with the shipped backbone; seed 0 of the adaptations counts, because most have no other.
        others: Name of a chain → outcomes of the chain.
        shortlist: The number of re-ranked candidates.
    """
    chains = {name: chain.of_seed(_VARIANTS_SEED) for name, chain in {"shipped": published, **others}.items()}
    columns: tuple[tuple[str, Cell, int, tuple[str, ...]], ...] = (
        ("frozen", FROZEN, 0, ()),
        ("adapted", SELAVPR, 0, ()),
        (f"top {shortlist} re-ranked", SELAVPR, shortlist, ()),
        ("by day", SELAVPR, shortlist, DAY),
        ("at night", SELAVPR, shortlist, ("night",)),
    )
    rows = [
        [name, *(_said(chain.recall(cell, 1, top, *conditions)) for _, cell, top, conditions in columns)]
        for name, chain in chains.items()
    ]
    return _table(["backbone", *(name for name, *_ in columns)], rows)


def main_table(results: Results, shortlist: int) -> str:
    """Return table 4 of the paper: the gain of each part of the method."""
    rows = []
    for cell in (FROZEN, FULLY_TUNED, GLOBAL_ONLY, LOCAL_ONLY, SELAVPR):
        top = 0 if cell in _HAS_NO_LOCAL else shortlist
        runs = results.seeds(cell)
        rows.append(
            [
                cell.says,
                f"{runs[0].summary['trainable'] / 1e6:.2f} M" if runs else "–",
                str(len(runs)) if runs else NOT_RUN,
                _said(results.recall(cell, 1, 0)),
                _said(results.recall(cell, 1, top)) if top else "–",
                _said(results.recall(cell, 1, top, *DAY)),
                _said(results.recall(cell, 1, top, "night")),
            ]
        )
    headings = ["variant", "learns", "seeds", "R@1 global", "R@1 re-ranked", "final R@1 by day", "final R@1 at night"]
    return _table(headings, rows)


def variant_tables(results: Results, shortlist: int) -> Iterable[tuple[str, str]]:
    """Return tables 5 to 10 of the paper, each with its heading, for one seed."""
    every_seed, results = results, results.of_seed(_VARIANTS_SEED)
    yield (
        "Adapters (table 6)",
        _variants(
            results, shortlist, (("none", LOCAL_ONLY), ("serial", SERIAL), ("parallel", PARALLEL), ("both", SELAVPR))
        ),
    )
    yield (
        "Bottleneck ratio (table 7)",
        _variants(results, shortlist, (("0.25", NARROW), ("0.5", SELAVPR), ("1", WIDE))),
    )
    yield (
        "Global feature (table 8)",
        _variants(results, shortlist, (("class token", CLASS_TOKEN), ("GeM", SELAVPR))),
    )
    yield (
        "Local features (table 9)",
        _variants(
            results,
            shortlist,
            (
                ("coarse 16 × 16, backbone as it is", FROZEN_COARSE),
                ("coarse 16 × 16, adapted", COARSE),
                ("dense 61 × 61", SELAVPR),
            ),
        ),
    )
    yield "Candidates re-ranked (table 10)", _candidates(results)
    yield (
        "Fewer triplets (table 5)",
        _variants(results, shortlist, (("a quarter", QUARTER), ("half", HALF), ("all", SELAVPR))),
    )
    yield "Local features learned faster", _steep(every_seed, shortlist)
    yield (
        "Losses",
        _variants(results, shortlist, (("the paper's", PAPER_LOSS), ("the recipe's", SELAVPR))),
    )


def _steep(results: Results, shortlist: int) -> str:
    """Compare the recipe's local adaptation with one at ten times its learning rate, seed by seed."""
    rows = []
    for seed in SEEDS[:2]:
        of_seed = results.of_seed(seed)
        for says, cell in ((f"the recipe, seed {seed}", SELAVPR), (f"faster, seed {seed}", STEEP)):
            rows.append(
                [
                    says,
                    _said(of_seed.recall(cell, 1, 0)),
                    _said(of_seed.recall(cell, 1, shortlist)),
                    _said(of_seed.gain(cell, shortlist, 1)),
                    _said(of_seed.recall(cell, 5, shortlist)),
                    _said(of_seed.recall(cell, 1, shortlist, "night")),
                ]
            )
    headings = ["R@1 global", "R@1 re-ranked", "points that re-ranking adds", "R@5 re-ranked", "R@1 at night"]
    return _table(["", *headings], rows)


def _groups(results: Results) -> list[tuple[str, tuple[str, ...]]]:
    """Return the names and conditions of the groups: all queries, those by day, and each other condition."""
    groups: list[tuple[str, tuple[str, ...]]] = [("all", ()), ("day (sun, overcast)", DAY)]
    return groups + [(name, (name,)) for name in results.conditions.names if name not in DAY]


def _variants(results: Results, shortlist: int, cells: Sequence[tuple[str, Cell]]) -> str:
    rows = [
        [
            says,
            _said(results.recall(cell, 1, 0)),
            _said(results.recall(cell, 1, shortlist)),
            _said(results.recall(cell, 5, shortlist)),
            _said(results.recall(cell, 1, shortlist, *DAY)),
            _said(results.recall(cell, 1, shortlist, "night")),
            "" if cell is SELAVPR else _said(results.difference(cell, SELAVPR, 1, shortlist)),
        ]
        for says, cell in cells
    ]
    headings = ["R@1 global", "R@1 re-ranked", "R@5 re-ranked", "R@1 by day", "R@1 at night", "points to the recipe's"]
    return _table(["", *headings], rows)


def _candidates(results: Results) -> str:
    runs = results.seeds(SELAVPR)
    counted = min((run.outcome.shortlist for run in runs), default=0)
    rows = []
    for top in (20, 50, 100, 200):
        has = top <= counted
        rows.append(
            [
                str(top),
                *(_said(results.recall(SELAVPR, at, top) if has else None) for at in RANKS),
                _said(results.gain(SELAVPR, top, 1) if has else None),
            ]
        )
    return _table(["candidates", "R@1", "R@5", "R@10", "points over global R@1"], rows)


def _triple(results: Results, cell: Cell, reranked: int, conditions: tuple[str, ...]) -> str:
    recalls = [results.recall(cell, at, reranked, *conditions) for at in RANKS]
    if recalls[0] is None:
        return NOT_RUN
    values = " / ".join(f"{each.value:.1f}" for each in recalls if each is not None)
    return f"{values} <sub>[{recalls[0].low:.1f}, {recalls[0].high:.1f}]</sub>"


def _said(interval: Interval | None) -> str:
    return NOT_RUN if interval is None else str(interval)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    aligned = ["---", *("---:" for _ in headings[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, aligned, *rows))
