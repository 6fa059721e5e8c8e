"""The thread that looks at which version of each map is to be served, and on which versions are swapped."""

import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from model.decoding_threads import keep_to_one_core
from service.errors import NotReady
from service.map_swap import Activated, MapSwaps

_STOP_TIMEOUT_S = 1.0  # a version that is being loaded is given up; the thread ends with the process
_STOPPING = "the service is stopping"


@dataclass(frozen=True)
class _Request:
    """An activation that is asked for, and its outcome to come."""

    name: str
    version: str
    expected_version: str | None
    future: "Future[Activated]" = field(default_factory=Future)


class MapKeeper:
    """Follows ``CURRENT`` of every map, and activates what it is asked to, one after the other.

    It reads the file itself and does not rely on being told of changes: network file systems do not tell.
    """

    def __init__(self, swaps: MapSwaps, names: list[str], watch_interval_s: float) -> None:
        """Prepares the thread.

        Args:
            swaps: Does it.
            names: Of the maps.
            watch_interval_s: Between two looks; 0 never looks.
        """
        self._swaps = swaps
        self._names = names
        self._watch_interval_s = watch_interval_s
        self._asked: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # so that nobody asks once the thread has seen that it is to end
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="placefix-map-keeper", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Ends the thread after what it is doing now, if that does not take long."""
        with self._lock:
            self._is_stopping = True
            self._asked.put(None)
        if self._thread.is_alive():
            self._thread.join(min(timeout_s, _STOP_TIMEOUT_S))

    def activate(self, name: str, version: str, expected_version: str | None) -> "Future[Activated]":
        """``MapSwaps.activate``, when its turn comes.

        Raises:
            NotReady: The service stops.
        """
        with self._lock:
            if self._is_stopping:
                raise NotReady(_STOPPING)
            request = _Request(name, version, expected_version)
            self._asked.put(request)
        return request.future

    def _run(self) -> None:
        keep_to_one_core()  # what it loads beside the device
        next_look = time.monotonic()
        while True:
            wait_s = max(0.0, next_look - time.monotonic()) if self._watch_interval_s else None
            try:
                request = self._asked.get(timeout=wait_s)
            except queue.Empty:
                for name in self._names:
                    if not self._is_stopping:
                        self._swaps.follow(name)
                next_look = time.monotonic() + self._watch_interval_s
                continue
            if request is None:
                return
            self._answer(request)

    def _answer(self, request: _Request) -> None:
        if not request.future.set_running_or_notify_cancel():
            return
        if self._is_stopping:
            request.future.set_exception(NotReady(_STOPPING))
            return
        try:
            activated = self._swaps.activate(request.name, request.version, request.expected_version)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the one who asked
            request.future.set_exception(error)
        else:
            request.future.set_result(activated)
