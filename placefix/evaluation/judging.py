"""The judging of confidences by ``placefix evaluate --confidence``: checks, photos from elsewhere, record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from model.errors import InvalidInput
from model.geo import distance_m
from model.images import ImageLimits
from model.places import Place
from model.progress import Progress
from place_map.calibration import LEVELS, Calibration
from place_map.reader import PlaceMap
from placefix.evaluation.answered import Answered, Answers
from placefix.evaluation.collections import check_pictures, read_collection
from placefix.evaluation.confidence import Trust, trust_by_group
from placefix.evaluation.truth import NearbyTruth
from placefix.samples import read_all_conditions
from service.evaluate import EvaluationOptions, QueryResult, evaluate
from service.localizer import Localizer


@dataclass(frozen=True)
class Judging:
    """Hold the data by which the confidence of a map's answers is judged.

    Attributes:
        calibration: The calibration of the map.
        foreign: Photos from elsewhere, which are asked in addition.
        conditions: Path of a query → the condition under which it was taken.
    """

    calibration: Calibration
    foreign: tuple[Place, ...]
    conditions: Mapping[Path, str]

    @property
    def compared(self) -> int:
        """Return the number of candidates that were compared for the calibration; 0 if the network does not re-rank."""
        return self.calibration.steps[-1].compared

    def truth(self, threshold_m: float | None, heading_deg: float | None, frame_tolerance: int | None) -> NearbyTruth:
        """Return the definition of a right answer that the confidence refers to.

        Raises:
            InvalidInput: The options ask for another definition.
        """
        within_m = self.calibration.within_m
        if frame_tolerance is not None or heading_deg is not None or threshold_m not in (None, within_m):
            raise InvalidInput(
                f"a confidence of this map says how likely the answer lies within {within_m:g} m of the truth: leave "
                "--threshold-m, --heading-deg and --frame-tolerance out, or calibrate it for another distance "
                "(placefix calibrate --within-m)"
            )
        return NearbyTruth(within_m, None)


def read_judging(
    map_path: Path | None, queries: Sequence[Path], foreign: Sequence[Path], limits: ImageLimits
) -> Judging:
    """Read the data by which the answers of a map are judged; no picture is decoded.

    Args:
        map_path: The map; None if one will be built.
        queries: The lists and folders of queries.
        foreign: The lists and folders of photos from elsewhere.
        limits: The limits on photos.

    Raises:
        InvalidInput: The map is not calibrated.
        SourceError: Photos cannot be read.
        MapError: The map cannot be used.
    """
    if map_path is None:
        raise InvalidInput("--confidence is about a map that was calibrated: give it with --map")
    with PlaceMap.open(map_path) as place_map:
        calibration, whole = place_map.calibration, place_map.manifest.preprocessing.decodes_whole
    if calibration is None:
        raise InvalidInput(
            f"the map {map_path} was never calibrated, so its answers have no confidence: placefix calibrate {map_path}"
        )
    read = partial(read_collection, by_frame=False, may_be_unlabelled=True)
    places = read(foreign).places if foreign else ()
    check_pictures(places, limits, whole=whole)
    return Judging(calibration, places, read_all_conditions(queries))


class ConfidenceRecorder:
    """Keep the answers of an evaluation with their truth: ``evaluate(…, on_result=recorder.record)``.

    Attributes:
        answered: The answers, one for each photo.
    """

    def __init__(self, judging: Judging, options: EvaluationOptions) -> None:
        """Begin an empty record.

        Args:
            judging: The data by which the answers are judged.
            options: The options of the evaluation.
        """
        self.answered: list[Answered] = []
        self._judging = judging
        self._options = options

    def record(self, result: QueryResult) -> None:
        """Keep the answer to a photo whose position is known.

        Raises:
            InvalidInput: Fewer candidates were compared than the map was calibrated for.
        """
        self._keep(result, distance_m(result.query.position, result.final[0].position))

    def ask_foreign(self, localizer: Localizer, progress: Progress) -> None:
        """Ask about the photos from elsewhere.

        Raises:
            InvalidInput: Fewer candidates were compared than the map was calibrated for.
            ImageError: A photo cannot be read.
        """
        if self._judging.foreign:
            evaluate(localizer, self._judging.foreign, None, self._options, progress, self._keep_foreign)

    def trust(self) -> Mapping[str, Trust]:
        """Return the measures of the confidence for all answers and for each group."""
        return trust_by_group(Answers.of(self.answered, self._judging.calibration.within_m))

    def _keep_foreign(self, result: QueryResult) -> None:
        self._keep(result, float("inf"))

    def _keep(self, result: QueryResult, error_m: float) -> None:
        verdict = result.verdict
        judgement = None
        if verdict.evidence is not None:
            judgement = self._judging.calibration.judge(verdict.evidence, is_auto=self._options.is_auto)
        if judgement is None:
            least = min((step.compared for step in self._judging.calibration.steps if step.compared), default=0)
            raise InvalidInput(
                f"{result.compared} candidates were compared, and the map was calibrated for {least} and more: give "
                f"--rerank {least}, more, or 0"
            )
        radii_m = [judgement.scale.radius_m(judgement.confidence, level) for level in LEVELS]
        self.answered.append(
            Answered(
                confidence=judgement.confidence,
                status=verdict.status,
                error_m=error_m,
                radii_m=tuple(radii_m) if verdict.has_position else (None,) * len(LEVELS),
                condition=self._judging.conditions.get(result.query.path),
            )
        )
