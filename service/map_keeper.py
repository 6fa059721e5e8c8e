"""Watch on a thread which version of each map ``CURRENT`` names, and swap the versions on it."""

import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from model.decoding_threads import keep_to_one_core
from service.errors import NotReady
from service.map_swap import Activated, MapSwaps

_STOP_TIMEOUT_S = 1.0  # a load that takes longer is abandoned; the thread ends with the process
_STOPPING = "the service is stopping"


@dataclass(frozen=True)
class _Request:
    """Hold an activation that was requested, and its future outcome."""

    name: str
    version: str
    expected_version: str | None
    shards: int | None
    future: "Future[Activated]" = field(default_factory=Future)


class MapKeeper:
    """Follow ``CURRENT`` of every map, and activate the requested versions, one after the other.

    It reads the file itself and does not rely on notices of changes: network file systems do not give them.
    """

    def __init__(self, swaps: MapSwaps, names: list[str], watch_interval_s: float) -> None:
        """Prepare the thread.

        Args:
            swaps: The object that swaps versions.
            names: The names of the maps.
            watch_interval_s: The seconds between two looks; 0 never looks.
        """
        self._swaps = swaps
        self._names = names
        self._watch_interval_s = watch_interval_s
        self._asked: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # so that no request comes after the thread has seen its end
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="placefix-map-keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End the thread after its present task, if that does not take long."""
        with self._lock:
            self._is_stopping = True
            self._asked.put(None)
        if self._thread.is_alive():
            self._thread.join(min(timeout_s, _STOP_TIMEOUT_S))

    def activate(
        self, name: str, version: str, expected_version: str | None, shards: int | None
    ) -> "Future[Activated]":
        """Call ``MapSwaps.activate`` when its turn comes.

        Raises:
            NotReady: The service stops.
        """
        with self._lock:
            if self._is_stopping:
                raise NotReady(_STOPPING)
            request = _Request(name, version, expected_version, shards)
            self._asked.put(request)
        return request.future

    def _run(self) -> None:
        keep_to_one_core()  # for loading beside the device
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
            activated = self._swaps.activate(request.name, request.version, request.expected_version, request.shards)
        except BaseException as error:  # noqa: BLE001 - any error belongs to the sender of the request
            request.future.set_exception(error)
        else:
            request.future.set_result(activated)
