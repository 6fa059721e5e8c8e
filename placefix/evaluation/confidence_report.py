"""The report of ``placefix evaluate --confidence``: lines for people, an object for programs."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from placefix.evaluation.confidence import Trust

_HEADINGS = ("confidence", "answers", "right", "AUROC", "AUC-PR", "ECE", "Brier")
_ACCEPTED_HEADINGS = ("localized", "of all", "wrong", "of the right", "of elsewhere")
_REFUSED_HEADINGS = ("not found", "of the right", "of elsewhere")
_NAME_WIDTH = 17  # the width in the other lines of an evaluation


def confidence_json(groups: Mapping[str, Trust]) -> dict[str, Any]:
    """Return group → measures; shares are in [0, 1], and null without answers to compute them from."""
    return {name: _trust_json(each) for name, each in groups.items()}


def confidence_lines(groups: Mapping[str, Trust]) -> list[str]:
    """Return tables with a line for each group: measures of the confidence, accepted and refused answers, and radii."""
    levels = [f"{each.level:.0%}" for each in next(iter(groups.values())).radii]
    told = [
        (
            name,
            f"{each.answers:,}",
            _percent(each.right),
            *(_number(value) for value in (each.auroc, each.auc_pr, each.ece, each.brier)),
        )
        for name, each in groups.items()
    ]
    accepted = [
        (
            name,
            *map(_percent, (each.accepted, each.wrong_of_accepted, each.right_accepted, each.foreign_accepted)),
        )
        for name, each in groups.items()
    ]
    refused = [(name, *map(_percent, (each.right_refused, each.foreign_refused))) for name, each in groups.items()]
    inside = [(name, *(_percent(radius.inside) for radius in each.radii)) for name, each in groups.items()]
    return [
        *_table(_HEADINGS, told),
        *_table(_ACCEPTED_HEADINGS, accepted),
        *_table(_REFUSED_HEADINGS, refused),
        *_table(("truth in radius of", *levels), inside),
    ]


def _trust_json(trust: Trust) -> dict[str, Any]:
    risk = trust.risk
    return {
        **asdict(trust),
        "risk": {"coverage": risk.coverage.round(4).tolist(), "risk": risk.risk.round(4).tolist()},
    }


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    widths[0] = max(widths[0], _NAME_WIDTH)
    return [
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in (headings, *rows))
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
