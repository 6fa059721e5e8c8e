"""Bring another version of a map in beside those that are served: open it, check it, and ask it for a trial."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from model.network_precision import choose_network_precision
from place_map.checks.version import check_version
from place_map.errors import NetworkMismatch
from place_map.shard import Shard
from service.engine import Engine
from service.loading import OpenedVersion, ShardsInUse, open_version
from service.localizer import Localizer
from service.settings import ServiceSettings

OnDevice = Callable[[Callable[[], Localizer]], Future[Localizer]]
"""A function that has a function called on the thread that owns the device."""


class BringIn:
    """Bring versions in. One thread uses it."""

    def __init__(self, engine: Engine, settings: ServiceSettings, on_device: OnDevice) -> None:
        """Remember the parts.

        Args:
            engine: The engine that answers queries.
            settings: The settings by which versions are opened.
            on_device: A function like ``OnDevice``.
        """
        self._engine = engine
        self._settings = settings
        self._on_device = on_device

    def __call__(
        self, path: Path, version: str, *, shard: Shard | None = None, shards: ShardsInUse | None = None
    ) -> Localizer:
        """Return a version that has answered a first query; it is not served yet.

        Args:
            path: The directory of the map.
            version: The number of the version.
            shard: The part to open; None for all of it.
            shards: The shards that are to hold its features; None if these are here.

        Raises:
            VersionNotFound: The version does not exist.
            MapError: It cannot be used, or there is no memory for it.
            InvalidInput: It has too few segments for this many shards.
            ShardUnavailable: A shard does not bring its part in.
            NotReady: The service stops, or its worker has died.
        """
        opened = open_version(
            path,
            version,
            self._engine.encoder,
            matching_precision=self._settings.matching_precision,
            shard=shard,
            shards=shards,
        )
        try:
            self._check_precision(opened)
            if self._settings.verify == "start" and shards is None:
                check_version(opened.place_map)
            opened.wait()
            return self._on_device(lambda: self._engine.bring_in(opened)).result()
        except BaseException:
            opened.close()
            raise

    def _check_precision(self, opened: OpenedVersion) -> None:
        """Check that a start with this version would encode queries as they are encoded now."""
        new = opened.place_map
        with self._engine.maps.reading_all() as versions:
            of_maps = [
                each.localizer.place_map.manifest.network.precision for each in versions if each.map_name != new.name
            ]
        of_maps.append(new.manifest.network.precision)
        encoder = self._engine.encoder
        chosen = choose_network_precision(self._settings.network_precision, encoder.device, of_maps).precision
        if chosen != encoder.precision:
            raise NetworkMismatch(
                f"version {new.version} of the map {new.name} was encoded in {new.manifest.network.precision}, and "
                f"queries are encoded in {encoder.precision}: restart the service, or set its network precision"
            )
