"""Turn the evidence for an answer into a confidence and a radius, for one map.

Fitted by ``placefix calibrate`` (``placefix/calibration``) and kept as plain numbers in ``calibration.json`` of a
version, so that a server needs nothing but this file to judge. A calibration holds for one map and one network: of
another map's evidence it says nothing.
"""

from dataclasses import dataclass
from math import exp
from typing import Annotated, Final, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from place_map.evidence import SIGNALS, Evidence
from place_map.manifest_part import ManifestPart, Number

FORMAT: Final = "placefix-calibration"
FORMAT_VERSION: Final = 2
"""Of ``calibration.json``; format 1 did not name its signals."""

CERTAINTY = 0.9
"""With which the share of wrong answers among the accepted is at most what ``Bound.wrong_at_most`` says."""

LEAST_QUESTIONS = 105
"""Of so many accepted answers one may be wrong, and a threshold still promises 5 % with ``CERTAINTY``."""

LEVELS = (0.5, 0.8, 0.95)
"""Shares of answers for which a radius is kept."""

ANSWER_LEVEL = 0.95
"""The one of them whose radius an answer states."""

DEFAULT_WITHIN_M = 25.0
"""The positive distance where none was chosen: that of the field's benchmarks."""

DEFAULT_BEYOND_M = 100.0
"""The negative distance: pictures farther apart show two places. What lies between the two distances says neither."""

Probability = Annotated[float, Field(ge=0, le=1)]
Metres = Annotated[float, Field(ge=0)]
_OfSignals = Annotated[tuple[float, ...], Field(min_length=len(SIGNALS), max_length=len(SIGNALS))]


class Logistic(ManifestPart):
    """The probability that an answer is right: ``1 / (1 + exp(-(intercept + weights · (signals - means) / scales)))``.

    Attributes:
        means: Of ``place_map.evidence.SIGNALS``, over the questions.
        scales: Their standard deviations; 1 where a signal never changes.
        weights: One for each signal.
        intercept: Added to the weighted sum.
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
    """How many answers were wrong of those whose confidence reached a threshold.

    Attributes:
        confidence: The threshold.
        accepted: Answers that reached it.
        wrong: How many of them were wrong.
        wrong_at_most: Upper bound of the share of wrong ones. Whatever share is allowed: all thresholds whose bound is
            not above it keep it, with ``CERTAINTY``.
    """

    confidence: Probability
    accepted: NonNegativeInt
    wrong: NonNegativeInt
    wrong_at_most: Probability


class Radius(ManifestPart):
    """How far off the answers of some confidence were.

    Attributes:
        confidence: The least one of these answers; the next entry's is where they end.
        answers: How many there were.
        radii_m: For each of ``LEVELS`` the metres that hold the truth of that share of them; None where too many were
            wrong, or there were too few.
    """

    confidence: Probability
    answers: NonNegativeInt
    radii_m: tuple[Metres | None, Metres | None, Metres | None]


class Scale(ManifestPart):
    """Say how many answers of each confidence were wrong, and how far off.

    Attributes:
        bounds: By ascending threshold.
        radii: By ascending confidence, from 0.
        elsewhere_below: Confidence below which the evidence says that the map does not have the place: hardly any right
            answer had so little, and a quarter of the wrong ones at most.
    """

    bounds: Annotated[tuple[Bound, ...], Field(min_length=1)]
    radii: Annotated[tuple[Radius, ...], Field(min_length=1)]
    elsewhere_below: Probability

    def threshold(self, max_wrong: float) -> float | None:
        """Return the least confidence at which at most ``max_wrong`` of the accepted are wrong; None without one."""
        return next((bound.confidence for bound in self.bounds if bound.wrong_at_most <= max_wrong), None)

    def radius_m(self, confidence: float, level: float = ANSWER_LEVEL) -> float | None:
        """Return the radius of answers of like confidence, for one of ``LEVELS``; None where nothing supports one."""
        like = next(each for each in reversed(self.radii) if each.confidence <= confidence)
        return like.radii_m[LEVELS.index(level)]


class Step(ManifestPart):
    """The judgement on answers after a number of candidates was compared.

    Attributes:
        compared: That number; 0 for the order of the global features alone.
        logistic: The confidence.
        scale: What it means, where every query has so many candidates compared.
    """

    compared: NonNegativeInt
    logistic: Logistic
    scale: Scale


class Auto(ManifestPart):
    """How ``rerank=auto`` spares comparisons: it goes from step to step until it is sure.

    Attributes:
        sure_from: Confidence at which it stops.
        scale: What the confidence of its answers means.
    """

    sure_from: Probability
    scale: Scale


@dataclass(frozen=True, slots=True)
class Judgement:
    """Hold the judgement of a calibration on the evidence for an answer.

    Attributes:
        confidence: Probability that the answer is right.
        scale: What this confidence means.
        is_sure: Whether comparing more candidates is not worth it.
    """

    confidence: float
    scale: Scale
    is_sure: bool


class Questions(ManifestPart):
    """Count the questions of a calibration, by kind.

    Attributes:
        of_map: Pictures of the map, asked without themselves and their burst.
        impossible: The same, asked without everything near them: no answer is right.
        queries: Labelled photos.
        foreign: Photos of elsewhere.
        conditions: Of the labelled photos, where a column names it: condition → how many.
    """

    of_map: NonNegativeInt
    impossible: NonNegativeInt
    queries: NonNegativeInt = 0
    foreign: NonNegativeInt = 0
    conditions: dict[str, PositiveInt] = Field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many questions were asked."""
        return self.of_map + self.impossible + self.queries + self.foreign


class Calibration(ManifestPart):
    """Judge the answers of one map by their evidence.

    Attributes:
        signals: The evidence that it was fitted to: ``place_map.evidence.SIGNALS``.
        map_version: The version that was calibrated. Later ones keep its calibration until they have their own.
        within_m: The positive distance: an answer is right if it lies so near to the truth.
        questions: What was asked.
        steps: By the number of compared candidates, ascending.
        auto: For ``rerank=auto``; None for a network without local features.
    """

    format: Literal["placefix-calibration"] = FORMAT
    format_version: Literal[2] = FORMAT_VERSION
    signals: tuple[str, ...] = SIGNALS
    map_version: Number
    within_m: Annotated[float, Field(gt=0)]
    questions: Questions
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    auto: Auto | None

    def judge(self, evidence: Evidence, *, is_auto: bool) -> Judgement | None:
        """Judge an answer.

        Args:
            evidence: For it.
            is_auto: Whether candidates are compared until the answer is sure.

        Returns:
            None if fewer candidates were compared than in any step. More than in a step can only bring more rivals, so
            the judgement errs on the safe side.
        """
        least = min(evidence.compared, 1)  # the step without comparisons is for answers without them
        fitting = (step for step in reversed(self.steps) if least <= step.compared <= evidence.compared)
        step = next(fitting, None)
        if step is None:
            return None
        confidence = step.logistic.probability(evidence)
        if is_auto and self.auto is not None:
            return Judgement(confidence, self.auto.scale, is_sure=confidence >= self.auto.sure_from)
        return Judgement(confidence, step.scale, is_sure=False)

    @property
    def usual_scale(self) -> Scale:
        """Return the scale of queries that do not say how they are re-ranked."""
        return self.steps[-1].scale if self.auto is None else self.auto.scale

    def to_json(self) -> bytes:
        """Return the bytes of the file."""
        return (self.model_dump_json(indent=1) + "\n").encode()
