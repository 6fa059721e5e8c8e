"""Hold the version of each map that answers, and count its readers."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from place_map.errors import MapCorrupt, MapNotFound
from service.errors import InvalidParameter, NotReady
from service.localizer import Localizer
from service.map_shard import MapShard
from service.shard_identity import Part

OnUnread = Callable[[Localizer], None]
"""A function that closes, on any thread, a version that is no longer served and has no readers."""


class ServedVersion:
    """Hold a version of a map that is served, or that was until its last reader has finished.

    Attributes:
        name: The name under which it is served: the name of the map, or of the part, such as ``town 000002 1/3``.
        localizer: The localizer, which finds queries in it.
        shard: The part that a front end asks, if a part of the map is served; None if all of it is.
        damage: The damage of its files; None as long as none is known.
    """

    def __init__(self, localizer: Localizer, on_unread: OnUnread) -> None:
        self.localizer = localizer
        self.shard = None if localizer.place_map.shard is None else MapShard(localizer)
        self.name = self.name_of(localizer)
        self.damage: MapCorrupt | None = None
        self._on_unread = on_unread
        self._lock = threading.Lock()
        self._readers = 1  # the service counts, until it serves another one

    @staticmethod
    def name_of(localizer: Localizer) -> str:
        """Return the name under which a version is served: the name of the map, or of a part of it."""
        place_map = localizer.place_map
        if place_map.shard is None:
            return place_map.name
        return str(Part(place_map.name, place_map.version, str(place_map.shard)))

    @property
    def map_name(self) -> str:
        """Return the map that this is a version of."""
        return self.localizer.place_map.name

    @property
    def as_shard(self) -> MapShard:
        """Return the part that a front end asks; only a server with a part of each map may call it."""
        if self.shard is None:
            raise AssertionError(f"the map {self.map_name} is served as a whole")
        return self.shard

    def check_sound(self) -> None:
        """Pass as long as no damage of the files is known.

        Raises:
            NotReady: The files are damaged, or cannot be read.
        """
        if self.damage is not None:
            raise damaged([self.map_name])

    def retain(self) -> None:
        """Begin to read; only call it if the version has surely not been closed."""
        with self._lock:
            self._readers += 1

    def release(self) -> None:
        """End reading; the last reader has the version closed."""
        with self._lock:
            self._readers -= 1
            is_unread = self._readers == 0
        if is_unread:
            self._on_unread(self.localizer)


class ServedMaps:
    """Hold the version that is served of each map; on a shard all parts, of one map also several. Safe to use from
    several threads.

    A reader of a version keeps it open, even if another one is served meanwhile.
    """

    def __init__(self, localizers: Iterable[Localizer], on_unread: OnUnread) -> None:
        """Begin to serve.

        Args:
            localizers: The localizers, one for each map.
            on_unread: A function that closes versions.
        """
        self._on_unread = on_unread
        self._lock = threading.Lock()
        versions = [ServedVersion(localizer, on_unread) for localizer in localizers]
        self._served = {version.name: version for version in versions}

    @property
    def names(self) -> list[str]:
        """Return the names of all maps, on a shard of all parts, in alphabetical order."""
        with self._lock:
            return sorted(self._served)

    @property
    def damaged_names(self) -> list[str]:
        """Return the names whose version is known to be damaged, in alphabetical order."""
        with self._lock:
            return sorted(name for name, version in self._served.items() if version.damage is not None)

    def is_damaged(self, map_name: str) -> bool:
        """Return whether a served version of a map is known to be damaged, or one of its parts."""
        with self._lock:
            return any(each.damage is not None for each in self._served.values() if each.map_name == map_name)

    def check_answers(self, name: str | None) -> None:
        """Pass if a query to a map would be answered; if none is named, to the only one.

        Raises:
            MapNotFound: No map of that name is served.
            InvalidParameter: Several maps are served, and none is named.
            NotReady: The version is damaged.
            ShardUnavailable: A shard of it is missing.
        """
        with self.reading(name) as version:
            version.check_sound()
            version.localizer.check_ready()

    def check_all(self) -> None:
        """Pass if queries to every map would be answered.

        Raises:
            NotReady: Versions are damaged; all of them are named.
            ShardUnavailable: A shard is missing.
        """
        if names := self.damaged_names:
            raise damaged(names)
        with self.reading_all() as versions:
            for version in versions:
                version.localizer.check_ready()

    @contextmanager
    def reading(self, name: str | None = None) -> Iterator[ServedVersion]:
        """Read the served version of a map while the block lasts; if none is named, of the only one.

        Raises:
            MapNotFound: No map of that name is served.
            InvalidParameter: Several maps are served, and none is named.
        """
        with self._lock:
            version = self._find(name)
            version.retain()
        try:
            yield version
        finally:
            version.release()

    @contextmanager
    def reading_all(self) -> Iterator[list[ServedVersion]]:
        """Read all served versions, in the order of their names."""
        with self._lock:
            versions = [self._served[name] for name in sorted(self._served)]
            for version in versions:
                version.retain()
        try:
            yield versions
        finally:
            for version in versions:
                version.release()

    def is_served(self, version: ServedVersion) -> bool:
        """Return whether no other version has taken its place."""
        return self._served.get(version.name) is version

    def swap(self, localizer: Localizer) -> None:
        """Serve another version of a map from now on; the one before is closed once nobody reads it any more."""
        after = ServedVersion(localizer, self._on_unread)
        with self._lock:
            before, self._served[after.name] = self._served[after.name], after
        before.release()

    def add(self, localizer: Localizer) -> None:
        """Serve a part of a map from now on beside the others."""
        version = ServedVersion(localizer, self._on_unread)
        with self._lock:
            self._served[version.name] = version

    def remove(self, name: str) -> None:
        """Serve a part no more; it is closed once nobody reads it any more."""
        with self._lock:
            before = self._served.pop(name)
        before.release()

    def close(self) -> None:
        """End serving: each version is closed once nobody reads it any more."""
        with self._lock:
            versions = list(self._served.values())
        for version in versions:
            version.release()

    def _find(self, name: str | None) -> ServedVersion:
        served = ", ".join(sorted(self._served))
        if name is None:
            if len(self._served) > 1:
                raise InvalidParameter(f"parameter map is missing: several maps are served: {served}")
            return next(iter(self._served.values()))
        if name not in self._served:
            raise MapNotFound(f"no map of that name is served here; served: {served}")
        return self._served[name]


def damaged(names: Sequence[str]) -> NotReady:
    """Return the refusal to answer from maps that are damaged."""
    return NotReady(
        "a map has changed on the disk since it was written, or cannot be read, and does not answer "
        f"({', '.join(names)}); the service's log names the file"
    )
