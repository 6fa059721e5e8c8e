"""Reads every byte of the served maps while the service answers, and says if one is not what was written."""

import threading
import time
from collections.abc import Callable

import structlog

from place_map.checks.version import check_version
from place_map.errors import MapCorrupt
from service.served_maps import ServedMaps, ServedVersion

_log = structlog.stdlib.get_logger("placefix.service")

_LEAST_BREAK_S = 0.001


class _Stopped(Exception):
    """The service stops, or serves another version by now."""


class MapCheck:
    """A thread that checks what it is told to; it rests as long as it works, so that queries keep most of disk and
    processor.

    Attributes:
        bytes_checked: So far.
    """

    def __init__(self, maps: ServedMaps, on_damage: Callable[[str, MapCorrupt], None]) -> None:
        """Prepares the check.

        Args:
            maps: What is served.
            on_damage: Called from the thread with the map's name, after the damage was noted at its version.
        """
        self.bytes_checked = 0
        self._maps = maps
        self._on_damage = on_damage
        self._changed = threading.Condition()
        self._waiting: dict[str, None] = {}  # names in their order
        self._is_working = False
        self._stop = threading.Event()
        self._worked_since_s = 0.0
        self._thread = threading.Thread(target=self._run, name="placefix-map-check", daemon=True)

    @property
    def is_done(self) -> bool:
        """Whether all that it was told to check has been checked."""
        with self._changed:
            return not self._waiting and not self._is_working

    def start(self) -> None:
        """Begins, with all maps."""
        for name in self._maps.names:
            self.check(name)
        self._thread.start()

    def check(self, name: str) -> None:
        """Has the version of a map checked that is served when its turn comes."""
        with self._changed:
            self._waiting[name] = None
            self._changed.notify()

    def stop(self, timeout_s: float) -> None:
        """Ends the check, finished or not; a disk that hangs is not waited for any longer."""
        self._stop.set()
        with self._changed:
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_working = False
                self._changed.wait_for(lambda: self._waiting or self._stop.is_set())
                if self._stop.is_set():
                    return
                name = next(iter(self._waiting))
                del self._waiting[name]
                self._is_working = True
            self._check(name)

    def _check(self, name: str) -> None:
        with self._maps.reading(name) as version:
            self._check_version(name, version)

    def _check_version(self, name: str, version: ServedVersion) -> None:
        place_map = version.localizer.place_map
        start_s = self._worked_since_s = time.monotonic()

        def rest(count: int) -> None:
            self._rest(count)
            if not self._maps.is_served(version):
                raise _Stopped

        try:
            count = check_version(place_map, rest)
        except _Stopped:
            return
        except MapCorrupt as error:
            version.damage = error  # the service is ready again as soon as another version is served
            if self._maps.is_served(version):
                self._on_damage(name, error)
            return
        duration_s = round(time.monotonic() - start_s, 3)
        _log.info("map checked", map=name, version=place_map.version, bytes=count, duration_s=duration_s)

    def _rest(self, count: int) -> None:
        self.bytes_checked += count
        worked_s = time.monotonic() - self._worked_since_s
        if self._stop.wait(max(worked_s, _LEAST_BREAK_S)):
            raise _Stopped
        self._worked_since_s = time.monotonic()
