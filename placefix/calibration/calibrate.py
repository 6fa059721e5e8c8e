"""The calibration of a map by questions whose answers are known."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path

from model.encoder import Encoder
from model.errors import InvalidInput
from model.images import DEFAULT_LIMITS, ImageLimits
from model.places import Place
from model.progress import Progress
from place_map.calibration import DEFAULT_WITHIN_M, LEAST_QUESTIONS, Calibration
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from placefix.calibration.answers import AnswerLog
from placefix.calibration.questions import (
    DEFAULT_QUESTIONS,
    SUFFICIENT_PHOTOS,
    Asked,
    Asker,
    ask_foreign_photos,
    ask_own_pictures,
    ask_photos,
    too_few_possible,
    why_too_few,
)
from placefix.progress import show_progress
from service.localizer import Localizer
from service.query_options import DEFAULT_MAX_WRONG, QueryDefaults

_ANSWERS = "answers.jsonl"


@dataclass(frozen=True)
class CalibrationOptions:
    """Hold the options of a calibration.

    Attributes:
        own_pictures: The number of pictures of the map to ask; 0 for none. By default ``DEFAULT_QUESTIONS``, and none
            if there are ``SUFFICIENT_PHOTOS`` queries.
        queries: Labelled photos to ask, too.
        foreign: Photos from elsewhere to ask in addition.
        within_m: The positive distance.
        conditions: Path of a labelled photo → the condition under which it was taken.
        limits: The limits on photos.

    Raises:
        InvalidInput: A number is out of its range, or there are no questions.
    """

    own_pictures: int | None = None
    queries: Sequence[Place] = ()
    foreign: Sequence[Place] = ()
    within_m: float = DEFAULT_WITHIN_M
    conditions: Mapping[Path, str] = field(default_factory=dict)
    limits: ImageLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        if not 0 < self.within_m < float("inf"):
            raise InvalidInput(f"the positive distance is {self.within_m} m; it must be a number above 0")
        if self.most_own_pictures < 0 or not (self.most_own_pictures or self.queries):
            raise InvalidInput("there is nothing to ask: give pictures of the map, or photos whose positions are known")

    @property
    def most_own_pictures(self) -> int:
        """Return the number of pictures of the map to ask, if it has so many."""
        if self.own_pictures is not None:
            return self.own_pictures
        return 0 if len(self.queries) >= SUFFICIENT_PHOTOS else DEFAULT_QUESTIONS


@dataclass(frozen=True)
class Outcome:
    """Report how a calibration ended.

    Attributes:
        calibration: The calibration; None if there were too few questions.
        why_not: The reason, if there is no calibration.
        questions: The number of questions that were asked.
    """

    calibration: Calibration | None
    why_not: str | None
    questions: int


def describe_outcome(outcome: Outcome, max_wrong: float = DEFAULT_MAX_WRONG) -> str:
    """Return the result of a calibration in a sentence for people."""
    calibration = outcome.calibration
    if calibration is None:
        return f"none: {outcome.why_not}"
    scale = calibration.usual_scale
    threshold = scale.threshold(max_wrong)
    if threshold is None:
        return (
            f"{outcome.questions:,} questions, and no confidence promises at most {max_wrong:.0%} wrong answers, so "
            "answers will be uncertain; more questions may help (placefix calibrate --queries)"
        )
    accepted = next(bound for bound in scale.bounds if bound.confidence == threshold)
    return (
        f"{outcome.questions:,} questions; answers from a confidence of {threshold:g} on are called localized: "
        f"{accepted.wrong} of {accepted.accepted:,} were wrong. Other conditions than those asked are not covered"
    )


class Calibrator:
    """Calibrate the map that a build or ``placefix calibrate`` opens.

    Attributes:
        outcome: The result; None before the calibration.
    """

    def __init__(
        self, encoder: Encoder, options: CalibrationOptions, at_most_s: Callable[[], float] | None = None
    ) -> None:
        """Keep the arguments; nothing is asked yet.

        Args:
            encoder: The network of the map.
            options: The options of the calibration.
            at_most_s: The function that returns the limit in seconds for the map's own pictures; None for no limit.
        """
        self.outcome: Outcome | None = None
        self._encoder = encoder
        self._options = options
        self._at_most_s = at_most_s

    def __call__(self, place_map: PlaceMap, version: str, scratch: Path) -> bytes | None:
        """Return the calibration of a version; see ``index_builder.new_version.Calibrate``."""
        localizer = Localizer(self._encoder, place_map, open_searcher(place_map, self._encoder.device))
        with show_progress("calibrating") as progress:
            self.outcome = calibrate(
                localizer,
                self._options,
                map_version=version,
                shortlist=QueryDefaults.for_encoder(self._encoder).shortlist,
                scratch=scratch,
                progress=progress,
                at_most_s=None if self._at_most_s is None else self._at_most_s(),
            )
        calibration = self.outcome.calibration
        return None if calibration is None else calibration.to_json()


def calibrate(
    localizer: Localizer,
    options: CalibrationOptions,
    *,
    map_version: str,
    shortlist: int,
    scratch: Path,
    progress: Progress,
    at_most_s: float | None = None,
) -> Outcome:
    """Ask a map, and fit a calibration to its answers.

    After a kill or an interruption, the same call asks only questions without an answer.

    Args:
        localizer: The localizer of the map.
        options: The options of the calibration.
        map_version: The version that will have the calibration.
        shortlist: Number of candidates to compare for each question, as for queries.
        scratch: A directory in which answers survive an interruption.
        progress: The display of the progress, by pictures.
        at_most_s: Seconds after which no more of the map's own pictures are asked; None for no limit.

    Raises:
        ImageError: A photo cannot be read.
    """
    place_map = localizer.place_map
    shortlist = min(shortlist, len(place_map))
    own = min(options.most_own_pictures, len(place_map))
    if why_not := _why_in_vain(own, options) or _why_never(localizer):
        return Outcome(None, why_not, 0)
    log = AnswerLog(scratch / _ANSWERS, what_is_asked(localizer, shortlist))
    asker = Asker(localizer, shortlist, log)
    progress.started(own + len(options.queries) + len(options.foreign), 0)
    asked = list(
        _counted(
            chain(
                _until(ask_own_pictures(asker, own), at_most_s),
                ask_photos(asker, options.queries, options.limits, options.conditions),
                ask_foreign_photos(asker, options.foreign, options.limits),
            ),
            progress,
        )
    )
    log.remove()
    if (why_not := why_too_few(asked, options.within_m)) is not None:
        return Outcome(None, why_not, len(asked))
    from placefix.calibration.fit import fit  # noqa: PLC0415 - scikit-learn takes a second, and no other command needs it

    return Outcome(fit(asked, place_map.places, options.within_m, map_version), None, len(asked))


def what_is_asked(localizer: Localizer, shortlist: int) -> str:
    """Return a description of the map and settings that decide the answers to all questions."""
    place_map = localizer.place_map
    return f"{place_map.path.absolute()} {place_map.manifest.model_dump_json()} {shortlist}"


def _why_in_vain(own: int, options: CalibrationOptions) -> str | None:
    """Return the reason why there will be too few questions, before one is asked; None if there may be enough."""
    return None if own + len(options.queries) >= LEAST_QUESTIONS else too_few_possible(own + len(options.queries))


def _why_never(localizer: Localizer) -> str | None:
    """Return the reason why the map's re-ranker cannot be calibrated; None if it can."""
    reranker = localizer.reranker
    if reranker is None or not reranker.is_listwise:
        return None
    return (
        f"a score of {reranker.name} depends on the other candidates of the query, so it says nothing of how sure an "
        "answer is"
    )


def _counted(asked: Iterable[Asked], progress: Progress) -> Iterator[Asked]:
    for _, of_picture in groupby(asked, key=lambda each: each.name):
        yield from of_picture
        progress.advanced(1)


def _until(asked: Iterable[Asked], at_most_s: float | None) -> Iterator[Asked]:
    end_s = None if at_most_s is None else time.monotonic() + at_most_s
    for each in asked:
        yield each
        if end_s is not None and time.monotonic() > end_s:
            return
