"""Hold the version of each map that answers, and count its readers."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from place_map.errors import MapCorrupt, MapNotFound
from service.errors import InvalidParameter, NotReady
from service.localizer import Localizer
from service.map_shard import MapShard

OnUnread = Callable[[Localizer], None]
"""A function that closes, on any thread, a version that is no longer served and has no readers."""


class ServedVersion:
    """Hold a version of a map that is served, or that was until its last reader has finished.

    Attributes:
        localizer: The localizer, which finds queries in it.
        shard: The part that a front end asks, if a part of the map is served; None if all of it is.
        damage: The damage of its files; None as long as none is known.
    """

    def __init__(self, localizer: Localizer, on_unread: OnUnread) -> None:
        self.localizer = localizer
        self.shard = None if localizer.place_map.shard is None else MapShard(localizer)
        self.damage: MapCorrupt | None = None
        self._on_unread = on_unread
        self._lock = threading.Lock()
        self._readers = 1  # the service counts, until it serves another one

    @property
    def map_name(self) -> str:
        """Return the map that this is a version of."""
        return self.localizer.place_map.name

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
    """Hold the version that is served of each map; safe to use from several threads.

    A reader of a version keeps it open, even if another one is served meanwhile.
    """

    def __init__(self, localizers: Mapping[str, Localizer], on_unread: OnUnread) -> None:
        """Begin to serve.

        Args:
            localizers: The localizers, by the name of the map.
            on_unread: A function that closes versions.
        """
        self._on_unread = on_unread
        self._lock = threading.Lock()
        self._served = {name: ServedVersion(localizer, on_unread) for name, localizer in localizers.items()}

    @property
    def names(self) -> list[str]:
        """Return the names of all maps, in alphabetical order."""
        return sorted(self._served)

    @property
    def damaged_names(self) -> list[str]:
        """Return the maps whose served version is known to be damaged, in alphabetical order."""
        return [name for name in self.names if self.damage_of(name) is not None]

    def damage_of(self, name: str) -> MapCorrupt | None:
        """Return the damage of the version of a map that is served."""
        return self._served[name].damage

    def check_answers(self, name: str | None) -> None:
        """Pass if a query to a map would be answered; if none is named, to the only one.

        Raises:
            MapNotFound: No map of that name is served.
            InvalidParameter: Several maps are served, and none is named.
            NotReady: The version is damaged.
            ShardUnavailable: A shard of it is missing.
        """
        version = self._find(name)
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
        for name in self.names:
            self.check_answers(name)

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
        """Read the served versions of all maps, in the order of their names."""
        with ExitStack() as stack:
            yield [stack.enter_context(self.reading(name)) for name in self.names]

    def is_served(self, version: ServedVersion) -> bool:
        """Return whether no other version has taken its place."""
        return self._served[version.map_name] is version

    def swap(self, localizer: Localizer) -> None:
        """Serve another version of a map from now on; the one before is closed once nobody reads it any more."""
        name = localizer.place_map.name
        after = ServedVersion(localizer, self._on_unread)
        with self._lock:
            before, self._served[name] = self._served[name], after
        before.release()

    def close(self) -> None:
        """End serving: each version is closed once nobody reads it any more."""
        for version in self._served.values():
            version.release()

    def _find(self, name: str | None) -> ServedVersion:
        served = ", ".join(self.names)
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
