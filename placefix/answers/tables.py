"""Answers for people: one with its candidates, or a line for each of many photos."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from placefix.answers.outcome import FAILED, Failure, Outcome
from placefix.wording import count
from service.schemas.answer import LocalizationAnswer
from service.schemas.candidate import CandidateAnswer

_STYLES = {"localized": "green", "uncertain": "yellow", "not_found": "bright_black", FAILED: "red"}
_WIDE = 110  # columns of a terminal that has room for the picture by which a photo was recognised
_ORDER = ("localized", "uncertain", "uncalibrated", "not_found", "no_candidates", FAILED)


def print_answer(
    answer: LocalizationAnswer, console: Console, *, advice: str | None = None, is_trained: bool | None = None
) -> None:
    """Print an answer with its candidates.

    Args:
        answer: The answer to one photo, or to several that belong together.
        console: The console to print to.
        advice: Advice on how to get a confidence that can be trusted.
        is_trained: Whether the network is trained; None if this is not known.
    """
    console.print(_headline(answer), style="bold", markup=False, soft_wrap=True)
    if not answer.candidates:
        return
    console.print(_candidates(answer.candidates))
    for each in answer.photos or []:
        sure = "" if each.confidence is None else f", {each.confidence:.1%} sure"
        says = "does not speak for it" if each.candidate is None else f"{each.candidate.id}{sure}"
        console.print(f"photo {each.photo}: {says}", markup=False, soft_wrap=True)
    console.print(f"map {answer.map.name}, version {answer.map.version}; {answer.timings_ms.total:.0f} ms")
    if answer.evidence is not None and answer.evidence.compared:
        evidence = answer.evidence
        if evidence.matches is None:
            console.print(f"score {evidence.score:.4g}, {evidence.rival_score:.4g} of another place")
        else:
            console.print(f"{evidence.matches} matches, {evidence.rival_matches} of another place")
    elif is_trained is False:
        console.print(
            "not re-ranked: the network is not trained for places (--rerank always does it even so)",
            soft_wrap=True,
        )
    if advice is not None:
        console.print(advice, markup=False, soft_wrap=True)


def _candidates(candidates: Sequence[CandidateAnswer]) -> Table:
    """Return a table of candidates, with a column for matches, or other scores, if any were compared."""
    has_matches = any(candidate.mutual_matches is not None for candidate in candidates)
    has_scores = any(candidate.score is not None for candidate in candidates)
    compared = "matches" if has_matches else "score"
    numbers = ["position", "heading", *([compared] if has_matches or has_scores else []), "distance"]
    table = Table(
        Column("rank", justify="right", no_wrap=True),
        Column("picture", overflow="fold"),
        *(Column(name, justify="right", no_wrap=True) for name in numbers),
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
    )
    for candidate in candidates:
        score = "" if candidate.score is None else f"{candidate.score:.4g}"
        score = score if candidate.mutual_matches is None else str(candidate.mutual_matches)
        table.add_row(
            str(candidate.rank),
            Text(candidate.id),
            f"{candidate.latitude:.6f}, {candidate.longitude:.6f}",
            "" if candidate.heading_deg is None else f"{candidate.heading_deg:.0f}°",
            *([score] if has_matches or has_scores else []),
            f"{candidate.global_distance:.4f}",
        )
    return table


def print_outcomes(outcomes: Iterable[Outcome], console: Console) -> None:
    """Print a line for each photo, and below the lines the reasons of failures."""
    is_wide = console.width >= _WIDE
    table = Table(
        Column("photo", overflow="fold", ratio=1),
        Column("status", no_wrap=True),
        *answer_columns(),
        *([Column("recognised in", overflow="fold", ratio=1)] if is_wide else []),
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        expand=is_wide,
    )
    failures = []
    for outcome in outcomes:
        answer = outcome.answer
        status = Text(outcome.status.replace("_", " "), _STYLES.get(outcome.status, ""))
        if isinstance(answer, Failure):
            failures.append(f"{outcome.photo}: {answer.reason}")
            table.add_row(Text(outcome.photo), status)
        else:
            is_found = answer.position is not None and answer.candidates
            recognised_in = [Text(answer.candidates[0].id if is_found else "")] if is_wide else []
            table.add_row(Text(outcome.photo), status, *answer_cells(answer), *recognised_in)
    console.print(table)
    print_failures(failures, console)


def answer_columns() -> Sequence[Column]:
    """Return the columns of a table that ``answer_cells`` fills."""
    return [Column(name, justify="right", no_wrap=True) for name in ("position", "±", "sure")]


def answer_cells(answer: LocalizationAnswer | None) -> Sequence[str]:
    """Return the position of an answer, its radius and its confidence; unknown values are empty."""
    if answer is None:
        return "", "", ""
    position = answer.position
    where = "" if position is None else f"{position.latitude:.6f}, {position.longitude:.6f}"
    return where, _radius(answer), "" if answer.confidence is None else _percent(answer.confidence)


def print_failures(failures: Sequence[str], console: Console) -> None:
    """Print the reasons of failures, below the table of photos."""
    for failure in failures:
        console.print(failure, style="red", markup=False, soft_wrap=True)
    if failures:
        console.print()


def summary(statuses: Counter[str]) -> str:
    """Return the number of answers of each kind: ``12 photos: 9 localized, 2 uncertain, 1 failed``."""
    kinds = sorted(statuses, key=lambda status: (_ORDER.index(status) if status in _ORDER else len(_ORDER), status))
    listed = ", ".join(f"{statuses[status]:,} {status.replace('_', ' ')}" for status in kinds)
    return f"{count(statuses.total(), 'photo')}: {listed}"


def _headline(answer: LocalizationAnswer) -> str:
    """Return the answer in one line: the position, its radius, and its confidence."""
    sure = "nobody knows how sure" if answer.confidence is None else f"{_percent(answer.confidence)} sure"
    if answer.status == "no_candidates":
        return f"no candidates: no picture of the map {answer.map.name} may be the answer"
    if answer.position is None:
        return f"not found: the map {answer.map.name} does not have the place; the first candidate: {sure}"
    within = "" if answer.accuracy is None else f" ± {_radius(answer)}"
    return f"{answer.position.latitude:.6f}, {answer.position.longitude:.6f}{within}  {answer.status}, {sure}"


def _radius(answer: LocalizationAnswer) -> str:
    """Return the radius of an answer in whole metres; empty if it has none."""
    return "" if answer.accuracy is None else f"{ceil(answer.accuracy.radius_m)} m"


def _percent(confidence: float) -> str:
    """Return a confidence for people; it is never rounded to 100.0 %."""
    return ">99.9%" if confidence >= 0.9995 else f"{confidence:.1%}"
