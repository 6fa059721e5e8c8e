"""The confidence and radius of an answer, judged by its evidence for one map.

``placefix calibrate`` (``placefix/calibration``) fits a calibration and keeps it as plain numbers in
``calibration.json`` of a version, so a server needs only this file to judge. A calibration holds for one map and one
network; it does not hold for the evidence of another map.
"""

from dataclasses import dataclass
from math import exp
from typing import Annotated, Final, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from place_map.evidence import SIGNALS, Evidence
from place_map.manifest_part import ManifestPart, Number

FORMAT: Final = "placefix-calibration"
FORMAT_VERSION: Final = 3
"""The format of ``calibration.json``; format 2 had no ``Auto.ends_at``, and format 1 did not name its signals."""

READABLE_FORMATS: Final = (2, FORMAT_VERSION)
"""The formats that this release reads."""

CERTAINTY = 0.9
"""The certainty that the share of wrong answers among the accepted is at most ``Bound.wrong_at_most``."""

LEAST_QUESTIONS = 105
"""With one wrong answer among this many accepted ones, a threshold still promises 5 % with ``CERTAINTY``."""

LEVELS = (0.5, 0.8, 0.95)
"""The shares of answers for which a radius is kept."""

ANSWER_LEVEL = 0.95
"""The level whose radius an answer states."""

DEFAULT_WITHIN_M = 25.0
"""The default positive distance, from the field's benchmarks."""

DEFAULT_BEYOND_M = 100.0
"""The negative distance: pictures farther apart show two places. Pictures between the two distances count as neither.
"""

Probability = Annotated[float, Field(ge=0, le=1)]
Metres = Annotated[float, Field(ge=0)]
_OfSignals = Annotated[tuple[float, ...], Field(min_length=len(SIGNALS), max_length=len(SIGNALS))]


class Logistic(ManifestPart):
    """Compute the probability that an answer is right:
    ``1 / (1 + exp(-(intercept + weights · (signals - means) / scales)))``.

    Attributes:
        means: The means of ``place_map.evidence.SIGNALS`` over the questions.
        scales: The standard deviations of the signals; 1 if a signal never changes.
        weights: One weight for each signal.
        intercept: The constant that is added to the weighted sum.
    """

    means: _OfSignals
    scales: _OfSignals
    weights: _OfSignals
    intercept: float

    def probability(self, evidence: Evidence) -> float:
        """Return the confidence for some evidence, in [0, 1]."""
        parts = zip(evidence.signals, self.means, self.scales, self.weights, strict=True)
        logit = self.intercept + sum(weight * (signal - mean) / scale for signal, mean, scale, weight in parts)
        return 1 / (1 + exp(-logit)) if logit >= 0 else exp(logit) / (1 + exp(logit))


class Bound(ManifestPart):
    """Hold how many of the answers that reached a threshold of confidence were wrong.

    Attributes:
        confidence: The threshold.
        accepted: The number of answers that reached it.
        wrong: How many of them were wrong.
        wrong_at_most: Upper bound of the share of wrong ones. For any share that a user allows, all thresholds with a
            bound up to this share keep it, with ``CERTAINTY``. It is not below the share that is expected if half of
            the questions are about places that the map does not have.
    """

    confidence: Probability
    accepted: NonNegativeInt
    wrong: NonNegativeInt
    wrong_at_most: Probability


class Radius(ManifestPart):
    """Hold the errors in metres of the answers within a range of confidence.

    Attributes:
        confidence: The least confidence of these answers; the range ends at the confidence of the next entry.
        answers: The number of answers.
        radii_m: For each of ``LEVELS``, the radius in metres that holds the truth of this share of the answers; None if
            too many answers were wrong, or there were too few.
    """

    confidence: Probability
    answers: NonNegativeInt
    radii_m: tuple[Metres | None, Metres | None, Metres | None]


class Scale(ManifestPart):
    """Hold how many answers of each confidence were wrong, and how large their errors were.

    Attributes:
        bounds: The bounds, by ascending threshold.
        radii: The radii, by ascending confidence, from 0.
        elsewhere_below: Confidence below which the evidence says that the map does not have the place: hardly any right
            answer was below it, and at most a quarter of the wrong ones.
    """

    bounds: Annotated[tuple[Bound, ...], Field(min_length=1)]
    radii: Annotated[tuple[Radius, ...], Field(min_length=1)]
    elsewhere_below: Probability

    def threshold(self, max_wrong: float) -> float | None:
        """Return the least confidence with at most ``max_wrong`` wrong among the accepted; None if there is none."""
        return next((bound.confidence for bound in self.bounds if bound.wrong_at_most <= max_wrong), None)

    def radius_m(self, confidence: float, level: float = ANSWER_LEVEL) -> float | None:
        """Return the radius of answers of similar confidence, for one of ``LEVELS``; None if no answers support one."""
        like = next(each for each in reversed(self.radii) if each.confidence <= confidence)
        return like.radii_m[LEVELS.index(level)]


class Step(ManifestPart):
    """Hold the judgement on answers after a number of candidates was compared.

    Attributes:
        compared: The number of compared candidates; 0 for the order of the global features alone.
        logistic: The formula of the confidence.
        scale: The meaning of the confidence if this number of candidates is compared for every query.
    """

    compared: NonNegativeInt
    logistic: Logistic
    scale: Scale


class Auto(ManifestPart):
    """Describe ``rerank=auto``, which saves comparisons: it goes from step to step until it is sure.

    Attributes:
        sure_from: The confidence at which it stops.
        scale: The meaning of the confidence of its answers.
        ends_at: The most candidates that it compares, sure or not; None for the whole shortlist, as in format 2.
    """

    sure_from: Probability
    scale: Scale
    ends_at: PositiveInt | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Hold the judgement of a calibration on the evidence for an answer.

    Attributes:
        confidence: Probability that the answer is right.
        scale: The meaning of this confidence.
        is_sure: Whether comparing more candidates would not improve the answer.
    """

    confidence: float
    scale: Scale
    is_sure: bool


class Questions(ManifestPart):
    """Count the questions of a calibration, by kind.

    Attributes:
        of_map: Pictures of the map; a question leaves out the picture itself and its burst.
        impossible: The same pictures; a question leaves out everything near them, so no answer is right.
        queries: Photos with known positions.
        foreign: Photos from other places.
        conditions: The number of labelled photos for each condition, if a column names the condition.
    """

    of_map: NonNegativeInt
    impossible: NonNegativeInt
    queries: NonNegativeInt = 0
    foreign: NonNegativeInt = 0
    conditions: dict[str, PositiveInt] = Field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the number of questions."""
        return self.of_map + self.impossible + self.queries + self.foreign


class Calibration(ManifestPart):
    """Judge the answers of one map by their evidence.

    Attributes:
        signals: The evidence that was used in the fit: ``place_map.evidence.SIGNALS``.
        map_version: The version that was calibrated. Later versions keep its calibration until they have their own.
        within_m: The positive distance: an answer is right if it lies within this distance of the truth.
        questions: The numbers of questions.
        steps: The judgements, by ascending number of compared candidates.
        auto: The judgement for ``rerank=auto``; None for a network without local features.
    """

    format: Literal["placefix-calibration"] = FORMAT
    format_version: Literal[2, 3] = FORMAT_VERSION
    signals: tuple[str, ...] = SIGNALS
    map_version: Number
    within_m: Annotated[float, Field(gt=0)]
    questions: Questions
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    auto: Auto | None

    def judge(self, evidence: Evidence, *, is_auto: bool) -> Judgement | None:
        """Judge an answer.

        Args:
            evidence: The evidence for the answer.
            is_auto: Whether candidates are compared until the answer is sure.

        Returns:
            None if fewer candidates were compared than in any step. Additional candidates beyond a step can only add
            rivals, so the judgement errs on the safe side.
        """
        least = min(evidence.compared, 1)  # the step without comparisons is only for answers without comparisons
        fitting = (step for step in reversed(self.steps) if least <= step.compared <= evidence.compared)
        step = next(fitting, None)
        if step is None:
            return None
        confidence = step.logistic.probability(evidence)
        if is_auto and self.auto is not None:
            return Judgement(confidence, self.auto.scale, is_sure=confidence >= self.auto.sure_from)
        return Judgement(confidence, step.scale, is_sure=False)

    def stops(self, count: int) -> tuple[int, ...]:
        """Return the numbers of compared candidates after which ``rerank=auto`` weighs the evidence.

        Args:
            count: The number of candidates of a query.

        Returns:
            Ascending numbers; the last one is the end. Only the whole count without ``auto``.
        """
        if self.auto is None:
            return (count,)
        end = count if self.auto.ends_at is None else min(count, self.auto.ends_at)
        return (*(step.compared for step in self.steps if step.compared < end), end)

    @property
    def usual_scale(self) -> Scale:
        """Return the scale of queries that do not say how they are re-ranked."""
        return self.steps[-1].scale if self.auto is None else self.auto.scale

    def to_json(self) -> bytes:
        """Return the bytes of the file."""
        return (self.model_dump_json(indent=1) + "\n").encode()
