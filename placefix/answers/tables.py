"""Answers for people: one with its candidates, or a line for each of many photos."""

from collections import Counter
from collections.abc import Iterable
from math import ceil

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from placefix.answers.outcome import FAILED, Failure, Outcome
from placefix.wording import count
from service.schemas.answer import LocalizationAnswer

_STYLES = {"localized": "green", "uncertain": "yellow", "not_found": "bright_black", FAILED: "red"}
_ORDER = ("localized", "uncertain", "uncalibrated", "not_found", "no_candidates", FAILED)


def print_answer(
    answer: LocalizationAnswer, console: Console, *, advice: str | None = None, is_trained: bool | None = None
) -> None:
    """Print an answer with its candidates.

    Args:
        answer: To one photo, or to several that belong together.
        console: Where to.
        advice: How answers would have a confidence worth trusting.
        is_trained: Whether the network is; None if that is not known.
    """
    console.print(_headline(answer), style="bold", markup=False, soft_wrap=True)
    if not answer.candidates:
        return
    numbers = ("latitude", "longitude", "heading", "matches", "distance")
    table = Table(
        Column("rank", justify="right"),
        Column("picture", overflow="fold"),
        *(Column(name, justify="right") for name in numbers),
    )
    for candidate in answer.candidates:
        table.add_row(
            str(candidate.rank),
            Text(candidate.id),
            f"{candidate.latitude:.6f}",
            f"{candidate.longitude:.6f}",
            "" if candidate.heading_deg is None else f"{candidate.heading_deg:.0f}°",
            "" if candidate.mutual_matches is None else str(candidate.mutual_matches),
            f"{candidate.global_distance:.4f}",
        )
    console.print(table)
    for each in answer.photos or []:
        sure = "" if each.confidence is None else f", {each.confidence:.1%} sure"
        says = "does not speak for it" if each.candidate is None else f"{each.candidate.id}{sure}"
        console.print(f"photo {each.photo}: {says}", markup=False, soft_wrap=True)
    console.print(f"map {answer.map.name}, version {answer.map.version}; {answer.timings_ms.total:.0f} ms")
    if answer.evidence is not None and answer.evidence.compared:
        console.print(f"{answer.evidence.matches} matches, {answer.evidence.rival_matches} of another place")
    elif is_trained is False:
        console.print(
            "not re-ranked: the network is not trained for places (--rerank always does it all the same)",
            soft_wrap=True,
        )
    if advice is not None:
        console.print(advice, markup=False, soft_wrap=True)


def print_outcomes(outcomes: Iterable[Outcome], console: Console) -> None:
    """Print a line for each photo."""
    table = Table(
        Column("photo", overflow="fold", ratio=3),
        Column("status", no_wrap=True),
        Column("latitude", justify="right", no_wrap=True),
        Column("longitude", justify="right", no_wrap=True),
        Column("±", justify="right", no_wrap=True),
        Column("sure", justify="right", no_wrap=True),
        Column("recognised in", overflow="fold", ratio=3),
        box=box.SIMPLE_HEAD,
    )
    for outcome in outcomes:
        answer = outcome.answer
        status = Text(outcome.status.replace("_", " "), _STYLES.get(outcome.status, ""))
        if isinstance(answer, Failure):
            table.add_row(Text(outcome.photo), status, "", "", "", "", Text(answer.reason, "red"))
            continue
        has_position = answer.position is not None
        table.add_row(
            Text(outcome.photo),
            status,
            f"{answer.position.latitude:.6f}" if answer.position is not None else "",
            f"{answer.position.longitude:.6f}" if answer.position is not None else "",
            radius(answer),
            sureness(answer),
            Text(answer.candidates[0].id if has_position and answer.candidates else ""),
        )
    console.print(table)


def summary(statuses: Counter[str]) -> str:
    """Return how many answers there are of each kind: ``12 photos: 9 localized, 2 uncertain, 1 failed``."""
    kinds = sorted(statuses, key=lambda status: (_ORDER.index(status) if status in _ORDER else len(_ORDER), status))
    listed = ", ".join(f"{statuses[status]:,} {status.replace('_', ' ')}" for status in kinds)
    return f"{count(statuses.total(), 'photo')}: {listed}"


def radius(answer: LocalizationAnswer) -> str:
    """Return the radius of an answer in whole metres; empty if it has none."""
    return "" if answer.accuracy is None else f"{ceil(answer.accuracy.radius_m)} m"


def sureness(answer: LocalizationAnswer) -> str:
    """Return the confidence of an answer in percent; empty if nobody knows."""
    return "" if answer.confidence is None else f"{answer.confidence:.1%}"


def _headline(answer: LocalizationAnswer) -> str:
    """Return the answer in one line: the position, its radius, and how sure it is."""
    sure = "nobody knows how sure" if answer.confidence is None else f"{answer.confidence:.1%} sure"
    if answer.status == "no_candidates":
        return f"no candidates: no picture of the map {answer.map.name} comes into question"
    if answer.position is None:
        return f"not found: the map {answer.map.name} does not have the place; of the first one {sure}"
    within = "" if answer.accuracy is None else f" ± {radius(answer)}"
    return f"{answer.position.latitude:.6f}, {answer.position.longitude:.6f}{within}  {answer.status}, {sure}"
