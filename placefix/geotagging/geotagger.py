"""The writing of positions to photos without one, and the removal of estimates."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from placefix.answers.asker import ServerAddress, opened_asker
from placefix.answers.asking_all import ask_all
from placefix.answers.estimate import Estimate
from placefix.answers.outcome import Failure, Outcome
from placefix.answers.photos import GivenPhoto
from placefix.client.question import Question
from placefix.console import print_note
from placefix.geotagging.errors import CannotWrite
from placefix.geotagging.present import has_any_estimate, present_position
from placefix.geotagging.write_back import WriteBack, remove_estimates
from placefix.progress import show_progress
from service.schemas.answer import LocalizationAnswer
from service.settings import ServiceSettings


@dataclass(frozen=True)
class GeotaggedPhoto:
    """Hold the outcome of one photo.

    Attributes:
        photo: The name of the photo.
        outcome: The outcome in a word or two; outcomes are counted.
        answer: The answer; None if the photo was not asked about.
        reason: The reason of a failure.
    """

    photo: str
    outcome: str
    answer: LocalizationAnswer | None = None
    reason: str = ""


def geotag_all(
    photos: Sequence[GivenPhoto],
    way: WriteBack,
    target: ServerAddress | ServiceSettings,
    question: Question,
    accepted: set[str],
    *,
    dry_run: bool,
) -> list[GeotaggedPhoto]:
    """Ask about the photos without a position, and write the accepted estimates.

    Args:
        photos: The photos, each with a file.
        way: The way of writing estimates.
        target: The server, or the settings that name a map.
        question: The question about every photo.
        accepted: The statuses of answers that are written.
        dry_run: Whether nothing is written.

    Returns:
        The outcome of each photo, in order.

    Raises:
        PlacefixError: The server or map cannot be asked.
    """
    rows = {}
    with show_progress("looking for positions") as progress:
        progress.started(len(photos), 0)
        for photo in photos:
            rows[photo.name] = _before(photo, way)
            progress.advanced(1)
    targets: dict[Path, str] = {}
    for photo in photos:
        first = targets.setdefault(way.target_of(photo), photo.name)
        if first != photo.name and rows[photo.name] is None:
            rows[photo.name] = GeotaggedPhoto(photo.name, "failed", reason=f"{first} would be written to the same file")
    asked = [photo for photo in photos if rows[photo.name] is None]
    if asked:
        with opened_asker(target, question) as asker, show_progress("localizing") as progress:
            progress.started(len(photos), len(photos) - len(asked))
            for photo, outcome in zip(asked, ask_all(asked, asker.ask, asker.at_a_time), strict=True):
                rows[photo.name] = _after(photo, outcome, way, accepted, dry_run=dry_run)
                progress.advanced(1)
            advice = asker.advice
        if advice is not None and not any(row and row.outcome.endswith("written") for row in rows.values()):
            print_note(advice)
    return [row for row in rows.values() if row is not None]


def _before(photo: GivenPhoto, way: WriteBack) -> GeotaggedPhoto | None:
    """Return the outcome of a photo that is not asked about; None if it is asked about."""
    present = present_position(photo.file)
    if present.kind == "position":
        return GeotaggedPhoto(photo.name, "has a position")
    if present.kind == "estimate":
        return GeotaggedPhoto(photo.name, "has an estimate")
    if present.kind == "unreadable":
        return GeotaggedPhoto(photo.name, "failed", reason=present.reason)
    try:
        if way.is_done(photo):
            return GeotaggedPhoto(photo.name, "has an estimate")
        way.check(photo)
    except CannotWrite as error:
        return GeotaggedPhoto(photo.name, "failed", reason=error.message)
    return None


def _after(photo: GivenPhoto, outcome: Outcome, way: WriteBack, accepted: set[str], *, dry_run: bool) -> GeotaggedPhoto:
    answer = outcome.answer
    if isinstance(answer, Failure):
        return GeotaggedPhoto(photo.name, "failed", reason=answer.reason)
    estimate = Estimate.of(answer)
    if estimate is None or answer.status not in accepted:
        return GeotaggedPhoto(photo.name, answer.status.replace("_", " "), answer)
    if not dry_run:
        try:
            way.write(photo, estimate)
        except CannotWrite as error:
            return GeotaggedPhoto(photo.name, "failed", answer, error.message)
    return GeotaggedPhoto(photo.name, "would be written" if dry_run else "written", answer)


def remove_from(photos: Iterable[GivenPhoto], *, dry_run: bool) -> Iterator[GeotaggedPhoto]:
    """Take estimates away from photos, or with ``dry_run`` only name these photos.

    Yields:
        The outcome of each photo, in order.
    """
    for photo in photos:
        if not has_any_estimate(photo.file):
            yield GeotaggedPhoto(photo.name, "without an estimate")
        elif dry_run:
            yield GeotaggedPhoto(photo.name, "would be taken away")
        else:
            try:
                remove_estimates(photo.file)
            except CannotWrite as error:
                yield GeotaggedPhoto(photo.name, "failed", reason=error.message)
            else:
                yield GeotaggedPhoto(photo.name, "taken away")
