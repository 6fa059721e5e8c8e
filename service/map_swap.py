"""Serve another version of a map: load it, try it out beside the served one, and then replace the served one.

After any error of a new version, the served one stays.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from model.errors import InvalidInput, PlacefixError, StorageError
from place_map import layout
from place_map.activation import activate_version
from place_map.current import Current
from place_map.errors import MapError, VersionNotFound
from place_map.versions import read_current, read_pointer
from service.bringing_in import BringIn
from service.engine import Engine
from service.errors import InvalidParameter, NotReady, UnexpectedVersion, UnusableVersion
from service.localizer import Localizer
from service.metrics import Metrics
from service.served_maps import OnUnread

_log = structlog.stdlib.get_logger("placefix.service")

_FIRST_RETRY_S = 5.0
_LAST_RETRY_S = 300.0


@dataclass(frozen=True)
class Activated:
    """Say which version is served after an activation.

    Attributes:
        name: The name of the map.
        version: The version of the map.
        pictures: The number of its pictures.
    """

    name: str
    version: str
    pictures: int


@dataclass(frozen=True)
class _Failure:
    """Hold a version that could not be served, or a ``CURRENT`` that could not be read (then without pointer)."""

    pointer: Current | None
    reason: str
    retry_after_s: float
    retry_at_s: float


class MapSwaps:
    """Serve other versions of the maps of an engine. One thread uses it (``service.map_keeper``), so at most one
    version too many is in memory.
    """

    def __init__(
        self,
        engine: Engine,
        metrics: Metrics,
        *,
        bring_in: BringIn,
        on_swap: Callable[[Localizer], None],
        close: OnUnread,
    ) -> None:
        """Remember the versions that are served.

        Args:
            engine: The engine that answers queries.
            metrics: The metrics that count the swaps.
            bring_in: The function that opens versions.
            on_swap: A function that gets each version that is served from now on.
            close: A function that closes a version that will not be served.
        """
        self._engine = engine
        self._metrics = metrics
        self._load = bring_in
        self._on_swap = on_swap
        self._close = close
        self._failures: dict[str, _Failure] = {}
        self._served: dict[str, Current | None] = {name: self._pointer_of_served(name) for name in engine.maps.names}
        count = 0 if engine.shards is None else engine.shards.count
        self._shards = dict.fromkeys(engine.maps.names, count)

    def follow(self, name: str) -> None:
        """Serve the version of a map that ``CURRENT`` names, if it is another one, and can be served.

        A version that cannot be served is logged once, and tried again later: its files may not have arrived yet.
        """
        pointer: Current | None = None
        try:
            with self._engine.maps.reading(name) as served:
                path = served.localizer.place_map.path
            pointer = read_current(path)
            if pointer == self._served[name]:
                self._failures.pop(name, None)
                return
            failure = self._failures.get(name)
            if failure is not None and failure.pointer == pointer and time.monotonic() < failure.retry_at_s:
                return
            self._swap(self._bring_in(path, pointer.version, self._shards[name]), pointer)
        except NotReady:  # the service stops, or its worker has died
            return
        except Exception as error:  # noqa: BLE001 - after any error of a new version, the old one must stay
            self._note_failure(name, pointer, error)

    def activate(
        self, name: str, version: str, expected_version: str | None = None, shards: int | None = None
    ) -> Activated:
        """Serve a version of a map, and move ``CURRENT`` to it.

        Args:
            name: The name of the map.
            version: The number of the version, with or without leading zeros.
            expected_version: The version that must be served now, else nothing is done.
            shards: The number of shards that are to hold it; None for as many as now.

        Raises:
            InvalidParameter: The number of shards is given, and this server asks none.
            MapNotFound: The map is not served.
            VersionNotFound: The map does not have this version.
            UnexpectedVersion: Another version is served than was expected.
            UnusableVersion: The version cannot be served; nothing has changed.
            ShardUnavailable: A shard is missing, or does not bring the version in; nothing has changed.
            MapBusy: Another process changes the map.
            BuildConflict: A change of the map is unfinished.
            StorageError: ``CURRENT`` cannot be moved.
            MapCorrupt: The map's folders cannot be read.
            NotReady: The service stops, or its worker has died.
        """
        with self._engine.maps.reading(name) as served:
            place_map, damage = served.localizer.place_map, served.damage
        path = place_map.path
        if expected_version is not None and int(expected_version) != int(place_map.version):
            raise UnexpectedVersion(
                f"version {place_map.version} of the map {name} is served, not {expected_version}; nothing was changed"
            )
        if shards is not None and self._engine.shards is None:
            raise InvalidParameter("shards has no effect here: this server is not a front end of shards")
        count = self._shards[name] if shards is None else shards
        pointer = read_pointer(path, layout.version_of(int(version)))
        wanted = pointer.version
        if (pointer, count) == (self._served[name], self._shards[name]) and damage is None:
            self._move_current(place_map.path, wanted)
            return Activated(name, place_map.version, len(place_map))
        try:
            localizer = self._bring_in(path, wanted, count)
        except VersionNotFound:
            raise
        except (MapError, InvalidInput) as error:
            self._metrics.maps.count_swap(name, "failed")
            _log.warning("a version was not activated", map=name, version=wanted, reason=error.message)
            raise UnusableVersion(f"version {wanted} cannot be served: {error.message}; nothing was changed") from error
        try:
            self._move_current(path, wanted)
        except BaseException:
            self._close(localizer)
            raise
        self._swap(localizer, pointer)
        self._shards[name] = count
        return Activated(name, wanted, len(localizer.place_map))

    def _bring_in(self, path: Path, version: str, count: int) -> Localizer:
        """Load a version beside the served one, have it tried out, and wait for so many shards."""
        shards = None if self._engine.shards is None else replace(self._engine.shards, count=count)
        return self._load(path, version, shards=shards)

    def _move_current(self, path: Path, version: str) -> None:
        try:
            activate_version(path, version)
        except StorageError as error:
            raise StorageError(
                f"version {version} was not activated, because the service cannot move CURRENT: {error.message}. Let "
                "it write to the folder that the map is in, or give placefix map activate where the map can be written"
            ) from error

    def _swap(self, localizer: Localizer, pointer: Current) -> None:
        place_map = localizer.place_map
        name = place_map.name
        with self._engine.maps.reading(name) as before:
            before_version = before.localizer.place_map.version
        self._engine.maps.swap(localizer)
        self._served[name] = pointer
        self._failures.pop(name, None)
        self._metrics.maps.count_swap(name, "swapped")
        self._on_swap(localizer)
        _log.info(
            "another version is served",
            map=name,
            version=place_map.version,
            before=before_version,
            pictures=len(place_map),
        )

    def _note_failure(self, name: str, pointer: Current | None, error: Exception) -> None:
        reason = error.message if isinstance(error, PlacefixError) else repr(error)
        last = self._failures.get(name)
        is_known = last is not None and (last.pointer, last.reason) == (pointer, reason)
        retry_after_s = _FIRST_RETRY_S
        if last is not None and last.pointer == pointer:
            retry_after_s = min(2 * last.retry_after_s, _LAST_RETRY_S)
        self._failures[name] = _Failure(pointer, reason, retry_after_s, time.monotonic() + retry_after_s)
        if is_known:
            return
        self._metrics.maps.count_swap(name, "failed")
        _log.error(
            "a version cannot be served, and the one before stays",
            map=name,
            version=None if pointer is None else pointer.version,
            reason=reason,
            exc_info=None if isinstance(error, PlacefixError) else error,
        )

    def _pointer_of_served(self, name: str) -> Current | None:
        """Return the content of ``CURRENT``, if it names the version that is served."""
        with self._engine.maps.reading(name) as served:
            place_map = served.localizer.place_map
        try:
            pointer = read_current(place_map.path)
        except MapError:  # the watch reports it
            return None
        return pointer if pointer.version == place_map.version else None
