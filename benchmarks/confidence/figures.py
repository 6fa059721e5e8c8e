"""The figures of several trials: means, and the worst of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.confidence.trials import Trial
from placefix.evaluation.answered import Answers
from placefix.evaluation.confidence import ALL, QUERIES, Trust, trust_by_group
from placefix.evaluation.confidence_report import confidence_json
from service.query_options import DEFAULT_MAX_WRONG
from service.words import Rerank

NUMBERS = (
    *("answers", "right", "auroc", "auc_pr", "ece", "brier"),
    *("accepted", "wrong_of_accepted", "right_accepted", "foreign_accepted", "right_refused", "foreign_refused"),
)
"""Name the numbers kept of each group of answers, as ``placefix.evaluation.confidence.Trust`` does."""

POOLED = (ALL, QUERIES)
"""The groups whose reliability and risk are kept for plots."""


def figures_of(trials: Sequence[Trial], mode: Rerank, within_m: float) -> dict[str, Any]:
    """Return what JSON can hold of the trials.

    Args:
        trials: At least one.
        mode: How candidates were re-ranked.
        within_m: The positive distance.

    Returns:
        ``saved``: the share of comparisons that were spared for the queries. ``groups``: for all, the
        queries and each condition the numbers of the trials, as ``low``, ``mean`` and ``high``. ``kept``: trials
        whose accepted answers were wrong no more often than was promised. ``pooled``: all trials together.
    """
    answers = [trial.answers[mode] for trial in trials]
    judged = [trust_by_group(Answers.of([each.answered for each in of_trial], within_m)) for of_trial in answers]
    every = Answers.of([each.answered for of_trial in answers for each in of_trial], within_m)
    compared, most = (
        sum(each.compared for trial in trials for each in trial.answers[way] if np.isfinite(each.answered.error_m))
        for way in (mode, "always")
    )
    names = dict.fromkeys(name for each in judged for name in each)
    promised = [each[ALL].wrong_of_accepted for each in judged]
    return {
        "trials": len(trials),
        "saved": 1 - compared / most,
        "kept": sum(wrong is None or wrong <= DEFAULT_MAX_WRONG for wrong in promised),
        "groups": {name: _numbers([each[name] for each in judged if name in each]) for name in names},
        "pooled": confidence_json({name: each for name, each in trust_by_group(every).items() if name in POOLED}),
    }


def _numbers(trusts: Sequence[Trust]) -> dict[str, Any]:
    levels = [radius.level for radius in trusts[0].radii]
    return {
        **{name: _spread([getattr(each, name) for each in trusts]) for name in NUMBERS},
        "radii": {
            f"{level:g}": _spread([each.radii[number].inside for each in trusts]) for number, level in enumerate(levels)
        },
    }


def _spread(values: Sequence[float | None]) -> dict[str, float] | None:
    known = [value for value in values if value is not None]
    return None if not known else {"low": min(known), "mean": float(np.mean(known)), "high": max(known)}
