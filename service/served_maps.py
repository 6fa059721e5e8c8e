"""Which version of each map answers, and who still reads which."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from place_map.errors import MapCorrupt, MapNotFound
from service.errors import InvalidParameter, NotReady
from service.localizer import Localizer
from service.map_shard import MapShard

OnUnread = Callable[[Localizer], None]
"""Told, on any thread, of a version that is not served any more and that nobody reads any more: to close it."""


class ServedVersion:
    """A version of a map that is served, or that was until its last reader is done with it.

    Attributes:
        localizer: Finds queries in it.
        shard: What a front end asks, where a part of the map is served; None where all of it is.
        damage: What is wrong with its files; None as long as nothing is known.
    """

    def __init__(self, localizer: Localizer, on_unread: OnUnread) -> None:
        self.localizer = localizer
        self.shard = None if localizer.place_map.shard is None else MapShard(localizer)
        self.damage: MapCorrupt | None = None
        self._on_unread = on_unread
        self._lock = threading.Lock()
        self._readers = 1  # the service, until it serves another one

    @property
    def map_name(self) -> str:
        """The map that this is a version of."""
        return self.localizer.place_map.name

    def check_sound(self) -> None:
        """Passes as long as nothing wrong is known of the files.

        Raises:
            NotReady: They are damaged, or cannot be read.
        """
        if self.damage is not None:
            raise damaged([self.map_name])

    def retain(self) -> None:
        """Begins to read; only for whoever knows that it has not been closed."""
        with self._lock:
            self._readers += 1

    def release(self) -> None:
        """Is done with reading; the last reader has it closed."""
        with self._lock:
            self._readers -= 1
            is_unread = self._readers == 0
        if is_unread:
            self._on_unread(self.localizer)


class ServedMaps:
    """The version that is served of each map; safe to use from several threads.

    Whoever reads a version keeps it open for as long, whatever is served meanwhile.
    """

    def __init__(self, localizers: Mapping[str, Localizer], on_unread: OnUnread) -> None:
        """Begins to serve.

        Args:
            localizers: By the name of the map.
            on_unread: Closes versions.
        """
        self._on_unread = on_unread
        self._lock = threading.Lock()
        self._served = {name: ServedVersion(localizer, on_unread) for name, localizer in localizers.items()}

    @property
    def names(self) -> list[str]:
        """Of all maps, in alphabetical order."""
        return sorted(self._served)

    @property
    def damaged_names(self) -> list[str]:
        """The maps whose served version is known to be damaged, in alphabetical order."""
        return [name for name in self.names if self.damage_of(name) is not None]

    def damage_of(self, name: str) -> MapCorrupt | None:
        """What is wrong with the version of a map that is served."""
        return self._served[name].damage

    def check_answers(self, name: str | None) -> None:
        """Passes if a query to a map would be answered; to the only one, if none is named.

        Raises:
            MapNotFound: No map of that name is served.
            InvalidParameter: Several are served, and none is named.
            NotReady: The version is damaged.
            ShardUnavailable: A shard of it is missing.
        """
        version = self._find(name)
        version.check_sound()
        version.localizer.check_ready()

    def check_all(self) -> None:
        """Passes if queries to every map would be answered.

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
        """Reads the served version of a map while the block lasts; of the only one, if none is named.

        Raises:
            MapNotFound: No map of that name is served.
            InvalidParameter: Several are served, and none is named.
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
        """Reads the served versions of all maps, in the order of their names."""
        with ExitStack() as stack:
            yield [stack.enter_context(self.reading(name)) for name in self.names]

    def is_served(self, version: ServedVersion) -> bool:
        """Whether no other version has taken its place."""
        return self._served[version.map_name] is version

    def swap(self, localizer: Localizer) -> None:
        """Serves another version of a map from now on; the one before is closed once nobody reads it any more."""
        name = localizer.place_map.name
        after = ServedVersion(localizer, self._on_unread)
        with self._lock:
            before, self._served[name] = self._served[name], after
        before.release()

    def close(self) -> None:
        """Is done with serving: each version is closed once nobody reads it any more."""
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
    """The refusal to answer from maps that are damaged."""
    return NotReady(
        "a map has changed on the disk since it was written, or cannot be read, and is not answered from "
        f"({', '.join(names)}); the service's log names the file"
    )
