"""Questions whose answers are known: the map's own pictures, labelled photos, and photos from elsewhere.

A picture of the map is asked without itself and its burst. Every second picture is asked again without all pictures
near it, so that no answer is right. A map can therefore be calibrated with only its own pictures. They do not show the
evidence under other conditions; labelled photos do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import compress
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.geo import LatLon, distances_m
from model.images import ImageLimits
from model.places import Place
from place_map.calibration import DEFAULT_BEYOND_M, LEAST_QUESTIONS
from place_map.place_table import PlaceTable
from placefix.calibration.answers import Answer, AnswerLog
from service.encoded_query import EncodedQuery, encode_queries
from service.evaluate import decoded_batches
from service.localizer import Localizer
from service.query_options import QueryOptions

Kind = Literal["of_map", "impossible", "query", "foreign"]

DEFAULT_QUESTIONS = 500

SUFFICIENT_PHOTOS = 250
"""Labelled photos that calibrate a map better without its own pictures than with them (decision 0019)."""

_LEAST_WRONG = 10  # wrong answers; fewer are not enough to learn from
_BURST = np.timedelta64(2, "s")
_SEED = 0
_BATCH_SIZE = 16


@dataclass(frozen=True)
class Asked:
    """Hold a question and the answer of the map.

    Attributes:
        kind: ``of_map`` and ``query`` have a right answer if the map has the place; the other kinds have none.
        name: The name of the picture; all questions of one picture share it.
        condition: The condition under which it was taken; None if it is unknown.
        answer: All candidates; at least one.
        errors_m: Metres from each candidate to the truth ``(k,)``; infinite where no answer is right.
    """

    kind: Kind
    name: str
    condition: str | None
    answer: Answer
    errors_m: NDArray[np.float64]


class Asker:
    """Ask a localizer, and keep all candidates of every answer.

    Attributes:
        localizer: The localizer of the map.
        shortlist: Candidates that are compared for each question.
    """

    def __init__(self, localizer: Localizer, shortlist: int, answers: AnswerLog | None = None) -> None:
        """Keep the arguments; nothing is asked yet.

        Args:
            localizer: The localizer of the map.
            shortlist: Candidates that are compared for each question, at most all pictures of the map.
            answers: The answers of an interrupted run, which are not asked again; new answers are added.
        """
        self.localizer = localizer
        self.shortlist = shortlist
        self._answers = answers
        reranks = localizer.encoder.is_trained and localizer.encoder.local_dim > 0
        self._options = QueryOptions(shortlist, shortlist, "always" if reranks else "never")

    def ask(
        self,
        kind: Kind,
        name: str,
        query: Callable[[], EncodedQuery],
        truth: LatLon | None,
        *,
        without: NDArray[np.int64],
        before: Answer | None = None,
        condition: str | None = None,
    ) -> Asked | None:
        """Ask one question.

        Args:
            kind: The kind of the question.
            name: The name of its picture.
            query: The function that returns the encoded picture; it is called unless a stored answer exists.
            truth: The position at which it was taken; None if no answer is right.
            without: Rows that may not be the answer ``(m,)``.
            before: An answer to the same picture that leaves out fewer rows; its comparisons are not repeated.
            condition: The condition under which it was taken.

        Returns:
            The question with its answer; None if the map has no other pictures.
        """
        key = _key(kind, name)
        answer = None if self._answers is None else self._answers.find(key)
        if answer is None:
            answer = self._find(query(), without, before)
            if self._answers is not None:
                self._answers.add(key, answer)
        if not len(answer.rows):
            return None
        return Asked(kind, name, condition, answer, _errors_m(truth, self.localizer.place_map.places, answer.rows))

    def knows(self, kind: Kind, name: str) -> bool:
        """Return whether a question was answered before the interruption."""
        return self._answers is not None and self._answers.find(_key(kind, name)) is not None

    def _find(self, query: EncodedQuery, without: NDArray[np.int64], before: Answer | None) -> Answer:
        """Ask for the missing candidates, and append them to the candidates that stay of the earlier answer."""
        kept = Answer.of(()) if before is None else before.without(without)
        missing = self.shortlist - len(kept.rows)
        if not missing:
            return kept
        options = replace(self._options, candidates=missing, shortlist=missing)
        found = self.localizer.localize(query, options, without=np.union1d(without, kept.rows))
        return kept.followed_by(Answer.of(found.candidates))


def ask_own_pictures(asker: Asker, count: int) -> Iterator[Asked]:
    """Ask pictures of the map in a random order that is always the same; nothing is encoded.

    Args:
        asker: The asker of the map.
        count: Number of pictures; every second one is asked twice, once without all pictures near it.
    """
    place_map = asker.localizer.place_map
    places, bursts = place_map.places, _Bursts(place_map.places)
    order = np.random.default_rng(_SEED).permutation(len(place_map))[:count]
    for number, row in enumerate(order.tolist()):
        name, truth = "of the map: " + places[row].id, places[row].position
        query, burst = partial(asker.localizer.stored_query, row), bursts.rows_of(row)
        asked = asker.ask("of_map", name, query, truth, without=burst)
        if asked is None:
            continue
        yield asked
        if number % 2:
            near = np.union1d(burst, rows_near(places, truth, DEFAULT_BEYOND_M))
            asked = asker.ask("impossible", name, query, None, without=near, before=asked.answer)
            if asked is not None:
                yield asked


def ask_photos(
    asker: Asker, photos: Sequence[Place], limits: ImageLimits, conditions: Mapping[Path, str]
) -> Iterator[Asked]:
    """Ask labelled photos; every second one a second time without all pictures near it.

    Args:
        asker: The asker of the map.
        photos: The photos, with the positions where they were taken.
        limits: The limits on photos.
        conditions: Path of a photo → the condition under which it was taken.

    Raises:
        ImageError: A photo cannot be read.
    """
    places = asker.localizer.place_map.places
    kinds = [_KINDS_OF_PHOTO[: 1 + number % 2] for number in range(len(photos))]
    names = [f"photo: {photo.id}" for photo in photos]
    is_new = [not all(asker.knows(kind, name) for kind in each) for each, name in zip(kinds, names, strict=True)]
    encoded = _encoded(asker.localizer, list(compress(photos, is_new)), limits)
    for photo, name, of_photo in zip(photos, names, kinds, strict=True):
        query, condition = cache(partial(next, encoded)), conditions.get(photo.path)
        asked = asker.ask("query", name, query, photo.position, without=_NO_ROWS, condition=condition)
        if asked is None:
            return  # the map has no pictures
        yield asked
        if "impossible" in of_photo:
            near = rows_near(places, photo.position, DEFAULT_BEYOND_M)
            asked = asker.ask("impossible", name, query, None, without=near, before=asked.answer, condition=condition)
            if asked is not None:
                yield asked


def ask_foreign_photos(asker: Asker, photos: Sequence[Place], limits: ImageLimits) -> Iterator[Asked]:
    """Ask photos from elsewhere.

    Args:
        asker: The asker of the map.
        photos: The photos; their positions do not matter.
        limits: The limits on photos.

    Raises:
        ImageError: A photo cannot be read.
    """
    names = [f"foreign: {photo.id}" for photo in photos]
    is_new = [not asker.knows("foreign", name) for name in names]
    encoded = _encoded(asker.localizer, list(compress(photos, is_new)), limits)
    for name in names:
        asked = asker.ask("foreign", name, partial(next, encoded), None, without=_NO_ROWS)
        if asked is not None:
            yield asked


def rows_near(places: PlaceTable, position: LatLon, within_m: float) -> NDArray[np.int64]:
    """Return the rows ``(m,)`` of a map within a distance of a position, that distance included."""
    return np.flatnonzero(distances_m(position, places.latitudes, places.longitudes) <= within_m)


_NO_ROWS = np.empty(0, dtype=np.int64)
_KINDS_OF_PHOTO: tuple[Kind, ...] = ("query", "impossible")


class _Bursts:
    """Find the burst of a picture: its copies, and pictures of the same moment."""

    def __init__(self, places: PlaceTable) -> None:
        self._times, self._has_zone = places.times, places.has_time_zone
        self._contents = places.contents

    def rows_of(self, row: int) -> NDArray[np.int64]:
        """Return the rows ``(m,)`` of the burst of a picture, itself included."""
        apart = np.abs(self._times - self._times[row])  # NaT where a time is unknown; no comparison with NaT is true
        is_at_once = (apart <= _BURST) & (self._has_zone == self._has_zone[row])
        return np.union1d([row], np.flatnonzero(is_at_once | (self._contents == self._contents[row])))


def _encoded(localizer: Localizer, photos: Sequence[Place], limits: ImageLimits) -> Iterator[EncodedQuery]:
    with closing(decoded_batches(photos, localizer.preparation, limits, _BATCH_SIZE)) as batches:
        for images, _ in batches:
            yield from encode_queries(localizer.encoder, images)


def _key(kind: Kind, name: str) -> str:
    """Return the key of a question in the log."""
    return f"{kind} {name}"


def _errors_m(truth: LatLon | None, places: PlaceTable, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    if truth is None:
        return np.full(len(rows), np.inf)
    return distances_m(truth, places.latitudes[rows], places.longitudes[rows])


def count_kinds(asked: Iterable[Asked]) -> dict[Kind, int]:
    """Return the number of questions of each kind."""
    counts: dict[Kind, int] = {"of_map": 0, "impossible": 0, "query": 0, "foreign": 0}
    for each in asked:
        counts[each.kind] += 1
    return counts


def why_too_few(asked: Sequence[Asked], within_m: float) -> str | None:
    """Return the reason why questions do not suffice for a calibration; None if they suffice."""
    counts = count_kinds(asked)
    possible = counts["of_map"] + counts["query"]
    if possible < LEAST_QUESTIONS:
        return too_few_possible(possible)
    wrong = sum(bool(each.errors_m[0] > within_m) for each in asked)
    if wrong < _LEAST_WRONG:
        return (
            f"only {wrong} of {len(asked)} answers are wrong, too few to learn their look: give photos from "
            "elsewhere (--foreign)"
        )
    return None


def too_few_possible(possible: int) -> str:
    """Return advice for too few questions with a right answer."""
    return (
        f"{possible} questions have a right answer, and a calibration takes {LEAST_QUESTIONS}: "
        f"{LEAST_QUESTIONS - possible} more pictures, or labelled photos (placefix calibrate --queries), are needed"
    )
