"""Load the maps and the network that the settings name."""

from service.loading import LoadedMaps, ShardsInUse, load_maps
from service.query_options import QueryDefaults
from service.settings import ServiceSettings
from service.shard_connections import ShardConnections, Transport


def load_configured(settings: ServiceSettings) -> tuple[LoadedMaps, QueryDefaults]:
    """Open the maps and the network that the settings name, for the server and for commands that answer like it.

    Args:
        settings: The names of maps and network, and the place of the features: here, or on shards.

    Returns:
        The loaded maps, and the values of the options that a query leaves open.

    Raises:
        PlacefixError: A map or the network cannot be loaded; see ``service.loading.load_maps``.
    """
    shards = _connect(settings)
    try:
        loaded = load_maps(
            settings.maps,
            weights=settings.weights,
            device=settings.device,
            network_precision=settings.network_precision,
            matching_precision=settings.matching_precision,
            shard=settings.map_shard,
            shards=shards,
        )
    except BaseException:
        if shards is not None:
            shards.connections.close()
        raise
    defaults = QueryDefaults.for_encoder(
        loaded.encoder,
        matching_precision=settings.matching_precision,
        candidates=settings.candidates,
        shortlist=settings.shortlist,
        rerank=settings.rerank,
        max_wrong=settings.max_wrong,
    )
    return loaded, defaults


def _connect(settings: ServiceSettings) -> ShardsInUse | None:
    if not settings.shards:
        return None
    key = None if settings.shard_key is None else settings.shard_key.get_secret_value().strip()
    transport: Transport
    # Most servers ask no shards, and need not wait for the libraries that do.
    if settings.are_shards_in_ray:
        from service.ray_transport import RayTransport  # noqa: PLC0415

        transport = RayTransport(settings.shards, key, settings.shard_timeout_s)
    else:
        from service.http_transport import HttpTransport  # noqa: PLC0415

        transport = HttpTransport(settings.shards, key)
    connections = ShardConnections(transport, settings.shard_timeout_s)
    connections.start()
    return ShardsInUse(connections, settings.shards_in_use)
