"""Reads every byte of the served maps while the service answers, and says if one is not what was written."""

import threading
import time
from collections.abc import Callable, Mapping

import structlog

from index_builder.checks.version import check_version
from model.errors import MapCorrupt
from service.localizer import Localizer

_log = structlog.stdlib.get_logger("placefix.service")

_LEAST_BREAK_S = 0.001


class _Stopped(Exception):
    pass


class MapCheck:
    """A thread that checks maps once; it rests as long as it works, so that queries keep most of disk and processor.

    Attributes:
        damage: What is wrong with a map; None as long as nothing is.
        bytes_checked: So far.
        is_done: Whether every byte was read.
    """

    def __init__(self, localizers: Mapping[str, Localizer], on_damage: Callable[[str, MapCorrupt], None]) -> None:
        """Prepares the check.

        Args:
            localizers: Of the maps, by name.
            on_damage: Called from the thread with the map's name.
        """
        self.damage: MapCorrupt | None = None
        self.bytes_checked = 0
        self.is_done = False
        self._localizers = dict(localizers)
        self._on_damage = on_damage
        self._stop = threading.Event()
        self._worked_since_s = 0.0
        self._thread = threading.Thread(target=self._run, name="check-maps", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the check, finished or not."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        start_s = time.monotonic()
        for name, localizer in self._localizers.items():
            self._worked_since_s = time.monotonic()
            try:
                check_version(localizer.place_map, self._rest)
            except _Stopped:
                return
            except MapCorrupt as error:
                self.damage = error
                self._on_damage(name, error)
                return
        self.is_done = True
        _log.info("maps checked", bytes=self.bytes_checked, duration_s=round(time.monotonic() - start_s, 3))

    def _rest(self, count: int) -> None:
        self.bytes_checked += count
        worked_s = time.monotonic() - self._worked_since_s
        if self._stop.wait(max(worked_s, _LEAST_BREAK_S)):
            raise _Stopped
        self._worked_since_s = time.monotonic()
