"""What is said of the signals: a table for people, an object for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.ablations.bootstrap import RESAMPLES, Interval
from benchmarks.confidence.average_precision import PrecisionRecall, area_difference, area_interval
from benchmarks.confidence.signals import COUNT, RERANKED_DISTANCE, Signal


@dataclass(frozen=True)
class Judged:
    """A signal, on some of the queries.

    Attributes:
        signal: Of these queries.
        area: Average precision in percent; None if not one answer is right.
        curve: Likewise.
    """

    signal: Signal
    area: Interval | None
    curve: PrecisionRecall | None

    @property
    def right_percent(self) -> float:
        """How many answers are right: the area that a signal has which knows nothing."""
        return 100 * float(self.signal.is_right.mean())


@dataclass(frozen=True)
class Group:
    """All signals on some of the queries.

    Attributes:
        judged: In the order of the signals.
        count_minus_distance: By how many points the count has more area than the global distance of the same answers;
            None where one of them has none.
    """

    judged: tuple[Judged, ...]
    count_minus_distance: Interval | None

    @property
    def queries(self) -> int:
        """How many there are."""
        return len(self.judged[0].signal.is_right)


def judge(signals: Sequence[Signal], parts: Mapping[str, NDArray[np.bool_]]) -> dict[str, Group]:
    """Judges each signal on each part ``(Q,)`` of the queries."""
    return {name: _group([_judged(signal[part]) for signal in signals]) for name, part in parts.items()}


def to_json(found: Mapping[str, Group]) -> dict[str, Any]:
    """Groups of queries → signals → ``auc_pr``: percent, with the ends of its interval."""
    return {
        "resamples": RESAMPLES,
        "groups": {
            name: {
                "queries": group.queries,
                "signals": {
                    each.signal.name: {
                        "says": each.signal.says,
                        "answer": _answer(each.signal),
                        "right_percent": each.right_percent,
                        "auc_pr": _as_dict(each.area),
                    }
                    for each in group.judged
                },
                "count_minus_distance": _as_dict(group.count_minus_distance),
            }
            for name, group in found.items()
        },
    }


def to_table(found: Mapping[str, Group], title: str) -> Table:
    """A row for each signal, a column for each group of queries."""
    table = Table(title=title, caption="AUC-PR in percent [95 %]; right: what a signal has that knows nothing")
    table.add_column("first answer")
    for name, group in found.items():
        table.add_column(f"{name} ({group.queries:,})", justify="right")
    rows = list(zip(*(group.judged for group in found.values()), strict=True))
    answers: set[str] = set()
    for row in rows:
        answer = _answer(row[0].signal)
        if answer not in answers:
            answers.add(answer)
            table.add_section()
            table.add_row(f"right {answer}", *(f"{each.right_percent:.1f}" for each in row))
        table.add_row(row[0].signal.says, *("–" if each.area is None else str(each.area) for each in row))
    differences = [group.count_minus_distance for group in found.values()]
    if any(each is not None for each in differences):
        table.add_section()
        shown = (
            "–" if each is None else f"{each.value:+.1f} [{each.low:+.1f}, {each.high:+.1f}]" for each in differences
        )
        table.add_row("matches − distance", *shown)
    return table


def _group(judged: list[Judged]) -> Group:
    curves = {each.signal.name: each.curve for each in judged}
    count, distance = curves.get(COUNT), curves.get(RERANKED_DISTANCE)
    difference = None if count is None or distance is None else area_difference(count, distance)
    return Group(tuple(judged), difference)


def _judged(signal: Signal) -> Judged:
    if not signal.is_right.any():
        return Judged(signal, None, None)
    curve = PrecisionRecall(signal.scores, signal.is_right)
    return Judged(signal, area_interval(curve), curve)


def _answer(signal: Signal) -> str:
    return "re-ranked" if signal.is_of_reranked else "by distance"


def _as_dict(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else asdict(interval)
