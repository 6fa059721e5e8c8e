"""What the log says once the service has loaded what it serves."""

from collections.abc import Sequence

import structlog

from model.weights_cache import BETTER_THAN_STARTER, STARTER
from place_map.calibration_advice import calibration_advice
from service.engine import Engine
from service.localizer import Localizer

_log = structlog.stdlib.get_logger("placefix.service")


def tell_what_was_loaded(engine: Engine, localizers: Sequence[Localizer], duration_s: float) -> None:
    """Writes what runs on what, and why; with a warning where that is probably not what was meant.

    Args:
        engine: The network, and what a query gets that does not say.
        localizers: One for each map.
        duration_s: Of loading.
    """
    _log.info(
        "loaded",
        duration_s=round(duration_s, 3),
        network=engine.encoder.family,
        device=str(engine.device.device),
        device_reason=engine.device.reason,
        encoding=engine.encoding.precision,
        encoding_reason=engine.encoding.reason,
        maps={localizer.place_map.name: localizer.place_map.version for localizer in localizers},
        searchers=sorted({localizer.searcher.name for localizer in localizers}),
        matchers=sorted({localizer.matcher for localizer in localizers}),
        shortlist=engine.defaults.shortlist,
        rerank=engine.defaults.rerank,
    )
    if engine.encoder.family == STARTER:
        _log.info("the starter network answers", advice=BETTER_THAN_STARTER)
    for place_map in (localizer.place_map for localizer in localizers):
        advice = calibration_advice(place_map.calibration, place_map.manifest, engine.defaults.max_wrong)
        if advice is not None:
            _log.info("answers could be surer", map=place_map.name, advice=advice)
    if not engine.encoder.is_trained:
        consequence = (
            "re-ranking was asked for: it counts matches of features that were never trained"
            if engine.defaults.rerank == "always"
            else "candidates are not re-ranked unless a request asks"
        )
        _log.warning("the network is not trained for places", consequence=consequence)
