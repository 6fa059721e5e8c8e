"""Log the maps and the network of the service once it has loaded."""

from collections.abc import Sequence

import structlog

from model.weights_cache import BETTER_THAN_STARTER, STARTER
from place_map.calibration_advice import calibration_advice
from service.engine import Engine
from service.localizer import Localizer

_log = structlog.stdlib.get_logger("placefix.service")


def tell_what_was_loaded(engine: Engine, localizers: Sequence[Localizer], duration_s: float) -> None:
    """Log network, device and maps with the reasons for them; warn if they are probably not as intended.

    Args:
        engine: The network, and the values of the options that a query leaves open.
        localizers: The localizers, one for each map.
        duration_s: The seconds of loading.
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
