"""The maps and the network that the settings name."""

from service.loading import LoadedMaps, load_maps
from service.query_options import QueryDefaults
from service.settings import ServiceSettings


def load_configured(settings: ServiceSettings) -> tuple[LoadedMaps, QueryDefaults]:
    """Open the maps and the network that the settings name, for the server and for commands that answer as it does.

    Returns:
        What is loaded, and what a query gets that does not say.

    Raises:
        PlacefixError: Something cannot be loaded; see ``service.loading.load_maps``.
    """
    loaded = load_maps(
        settings.maps,
        weights=settings.weights,
        num_heads=settings.num_heads,
        device=settings.device,
        network_precision=settings.network_precision,
        searcher=settings.searcher,
        matching_precision=settings.matching_precision,
        match_floor=settings.match_floor,
    )
    defaults = QueryDefaults.for_encoder(
        loaded.encoder,
        matching_precision=settings.matching_precision,
        candidates=settings.candidates,
        shortlist=settings.shortlist,
        rerank=settings.rerank,
        max_wrong=settings.max_wrong,
    )
    return loaded, defaults
