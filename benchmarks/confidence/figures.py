"""The figures of several trials: means, and the worst values."""

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
"""The numbers that are kept for each group of answers, by the names of ``placefix.evaluation.confidence.Trust``."""

POOLED = (ALL, QUERIES)
"""The groups whose reliability and risk are kept for plots."""


def figures_of(trials: Sequence[Trial], mode: Rerank, within_m: float) -> dict[str, Any]:
    """Return the figures of the trials as values for JSON.

    Args:
        trials: The trials, at least one.
        mode: The way of re-ranking.
        within_m: The positive distance.

    Returns:
        ``saved``: the share of comparisons that were saved for the queries. ``saved_on_shards``: the same share where
        shards count some candidates ahead. ``groups``: the numbers of the trials for all, the queries and each
        condition, as ``low``, ``mean`` and ``high``. ``kept``: the number of trials whose share of wrong accepted
        answers kept the promise. ``pooled``: all trials together.
    """
    answers = [trial.answers[mode] for trial in trials]
    judged = [trust_by_group(Answers.of([each.answered for each in of_trial], within_m)) for of_trial in answers]
    every = Answers.of([each.answered for of_trial in answers for each in of_trial], within_m)
    asked = [each for of_trial in answers for each in of_trial if np.isfinite(each.answered.error_m)]
    most = sum(
        each.compared for trial in trials for each in trial.answers["always"] if np.isfinite(each.answered.error_m)
    )
    names = dict.fromkeys(name for each in judged for name in each)
    promised = [each[ALL].wrong_of_accepted for each in judged]
    return {
        "trials": len(trials),
        "saved": 1 - sum(each.compared for each in asked) / most,
        "saved_on_shards": 1 - sum(each.counted for each in asked) / most,
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
