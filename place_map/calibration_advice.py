"""Advice that makes the confidence of answers reliable."""

from place_map.calibration import LEAST_QUESTIONS, Calibration
from place_map.manifest import Manifest


def calibration_advice(calibration: Calibration | None, manifest: Manifest, max_wrong: float) -> str | None:
    """Return advice on the calibration of a map; None if none is needed.

    Args:
        calibration: The calibration that judges answers; None if there is none, or this release cannot use it.
        manifest: The manifest of the version that answers.
        max_wrong: Allowed share of wrong answers among those called ``localized``.
    """
    if calibration is None:
        return _advice_without_calibration(manifest)
    if calibration.usual_scale.threshold(max_wrong) is None:
        return _advice_without_threshold(calibration, max_wrong)
    if calibration.map_version != manifest.version:
        return f"version {calibration.map_version} was calibrated, and the map has changed since: placefix calibrate"
    return None


def _advice_without_calibration(manifest: Manifest) -> str:
    if manifest.calibration is not None:
        return (
            "the map was calibrated by a release of Placefix that weighs other evidence: run placefix calibrate again"
        )
    pictures = manifest.counts.placed
    if pictures < LEAST_QUESTIONS:
        return (
            f"a confidence takes {LEAST_QUESTIONS} questions at least, and the map has {pictures} pictures: add "
            f"{LEAST_QUESTIONS - pictures} more, or give placefix calibrate --queries photos whose positions are known"
        )
    return "the map was never calibrated: placefix calibrate does it, from its own pictures"


def _advice_without_threshold(calibration: Calibration, max_wrong: float) -> str:
    nothing = f"no confidence promises at most {max_wrong:.0%} wrong answers, so none is called localized"
    more = "calibrate with more questions (placefix calibrate --queries), or allow more wrong ones (max_wrong)"
    if calibration.steps[-1].scale.threshold(max_wrong) is None:
        return f"{nothing}: {more}"
    return f"with rerank=auto {nothing}: compare all candidates (rerank=true), {more}"
