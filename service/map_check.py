"""Read every byte of the served maps while the service answers, again and again, and report bytes that have changed."""

import math
import threading
import time
from dataclasses import dataclass

import structlog

from place_map.checks.version import check_version
from place_map.errors import MapCorrupt, MapNotFound
from service.served_maps import ServedMaps, ServedVersion
from service.settings import VerifyWhen

_log = structlog.stdlib.get_logger("placefix.service")

_LEAST_BREAK_S = 0.001
_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 60.0


class _Stopped(Exception):
    """Stop the check: the service stops, or serves another version by now."""


@dataclass
class _Suspicion:
    """Hold damage that was met and that a second look must confirm.

    Attributes:
        version: The version; held open until the suspicion is settled.
        error: The damage.
        look_at: The time of the next look, on the clock of ``time.monotonic``.
        retry_s: The wait if the file still cannot be read then.
    """

    version: ServedVersion
    error: MapCorrupt
    look_at: float
    retry_s: float = _FIRST_RETRY_S


class MapCheck:
    """Compare the served versions with their sums on a thread that rests as long as it works, so that queries keep most
    of disk and processor.

    Damage that a query meets, or a failed read, is noted at once and checked again: a file with changed bytes stays
    noted; a share that was away for a moment does not.

    Attributes:
        bytes_checked: The number of bytes that were checked so far.
    """

    def __init__(self, maps: ServedMaps, verify: VerifyWhen, interval_s: float) -> None:
        """Prepare the check.

        Args:
            maps: The maps that are served.
            verify: Whether each version is read at once (``background``), was read before it was served (``start``), or
                is not read unless a query meets damage (``off``).
            interval_s: The seconds from one check of a version to the next; 0 checks once.
        """
        self.bytes_checked = 0
        self._maps = maps
        self._interval_s = math.inf if verify == "off" or not interval_s else interval_s
        self._first_after_s = 0.0 if verify == "background" else self._interval_s
        self._changed = threading.Condition()
        self._due: dict[str, float] = {}  # map → time of its next check, on the clock of time.monotonic
        self._suspicions: list[_Suspicion] = []
        self._is_working = False
        self._stop = threading.Event()
        self._worked_since_s = 0.0
        self._thread = threading.Thread(target=self._run, name="placefix-map-check", daemon=True)
        for name in maps.names:
            self.expect(name)

    @property
    def is_done(self) -> bool:
        """Return whether nothing must be read now."""
        with self._changed:
            return not self._is_working and self._next_at() > time.monotonic()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def expect(self, name: str) -> None:
        """Check the version of a map that is served from now on, too."""
        with self._changed:
            self._due[name] = time.monotonic() + self._first_after_s
            self._changed.notify()

    def suspect(self, version: ServedVersion, error: MapCorrupt) -> None:
        """Note damage in a version, and check it again at once.

        Args:
            version: The version, open as long as this call takes.
            error: The damage.
        """
        with self._changed:
            if self._stop.is_set() or version.damage is not None:
                return
            version.damage = error
            version.retain()
            self._suspicions.append(_Suspicion(version, error, time.monotonic()))
            self._changed.notify()
        _log.warning("damage was met, and is looked at again", map=version.map_name, reason=error.message)

    def stop(self, timeout_s: float) -> None:
        """End the check, finished or not; do not wait longer for a disk that hangs."""
        with self._changed:
            self._stop.set()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            return  # it still reads
        for suspicion in self._suspicions:
            suspicion.version.release()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wait()
            self._settle_suspicions()
            name = self._take_due()
            if name is not None:
                self._check(name)

    def _wait(self) -> None:
        """Wait until a check is due, or the service stops."""
        with self._changed:
            self._is_working = False
            while not self._stop.is_set() and (wait_s := self._next_at() - time.monotonic()) > 0:
                self._changed.wait(min(wait_s, threading.TIMEOUT_MAX))
            self._is_working = True

    def _next_at(self) -> float:
        """Return the time of the next check."""
        return min([*self._due.values(), *(suspicion.look_at for suspicion in self._suspicions)], default=math.inf)

    def _take_due(self) -> str | None:
        """Return the map whose check is due, and set its next check an interval later; None if none is due."""
        with self._changed:
            name = min(self._due, key=self._due.__getitem__, default=None)
            if name is None:
                return None
            now = time.monotonic()
            if self._due[name] > now:
                return None
            self._due[name] = now + self._interval_s
            return name

    def _check(self, name: str) -> None:
        try:
            with self._maps.reading(name) as version:
                is_clear = self._is_clear(version)
        except MapNotFound:  # a part that a shard has dropped
            with self._changed:
                del self._due[name]
            return
        if not is_clear:
            with self._changed:
                self._due[name] = time.monotonic() + _LAST_RETRY_S

    def _is_clear(self, version: ServedVersion) -> bool:
        """Read all of a version; return whether its state is certain now."""
        if version.damage is not None:
            return not version.damage.may_pass
        place_map = version.localizer.place_map
        start_s = self._worked_since_s = time.monotonic()

        def rest(count: int) -> None:
            self._rest(count)
            self._settle_suspicions()
            self._worked_since_s = time.monotonic()
            if not self._maps.is_served(version):
                raise _Stopped

        try:
            count = check_version(place_map, rest)
        except _Stopped:
            return True
        except MapCorrupt as error:
            if error.may_pass:
                self.suspect(version, error)
                return False
            self._confirm(version, error)
            return True
        duration_s = round(time.monotonic() - start_s, 3)
        _log.info("map checked", map=place_map.name, version=place_map.version, bytes=count, duration_s=duration_s)
        return True

    def _settle_suspicions(self) -> None:
        """Check the suspicions that are due again."""
        with self._changed:
            due = [each for each in self._suspicions if each.look_at <= time.monotonic()]
        for suspicion in due:
            try:
                is_settled = self._look_again(suspicion)
            except _Stopped:
                return
            if is_settled:
                with self._changed:
                    self._suspicions.remove(suspicion)
                suspicion.version.release()

    def _look_again(self, suspicion: _Suspicion) -> bool:
        """Check a suspicion again; return whether it is settled."""
        version = suspicion.version
        if not self._maps.is_served(version):
            return True
        self._worked_since_s = time.monotonic()
        try:
            check_version(version.localizer.place_map, self._rest, suspicion.error.path)
        except MapCorrupt as error:
            if error.may_pass:
                suspicion.look_at = time.monotonic() + suspicion.retry_s
                suspicion.retry_s = min(2 * suspicion.retry_s, _LAST_RETRY_S)
                return False
            self._confirm(version, error)
        else:
            with self._changed:
                if version.damage is suspicion.error:
                    version.damage = None
            _log.info("the damage that was met is gone", map=version.map_name, reason=suspicion.error.message)
        return True

    def _confirm(self, version: ServedVersion, error: MapCorrupt) -> None:
        with self._changed:
            version.damage = error  # the map answers again as soon as another version is served
        if self._maps.is_served(version):
            _log.error("a map is damaged, and does not answer any more", map=version.map_name, reason=error.message)

    def _rest(self, count: int) -> None:
        self.bytes_checked += count
        worked_s = time.monotonic() - self._worked_since_s
        if self._stop.wait(max(worked_s, _LEAST_BREAK_S)):
            raise _Stopped
        self._worked_since_s = time.monotonic()
