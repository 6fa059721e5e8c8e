"""Hold on a shard the parts of maps that its front ends need, each as long as one of them needs it.

A front end names the parts again and again, so that a part of a front end that has died is dropped after a while. A
part that no front end needs stays as long as no other part of its map is needed: a shard that nobody asks keeps its
parts.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from model.decoding_threads import keep_to_one_core
from model.errors import PlacefixError
from place_map.shard import Shard
from service.bringing_in import BringIn
from service.errors import NotReady
from service.localizer import Localizer
from service.served_maps import ServedMaps
from service.shard_identity import Part
from service.shard_state import RefusedPart, ShardState, Wanted

MOST_PARTS = 2
"""The most parts of one map at a time: one of the version that answers, and one of the next version."""

LEASE_S = 30.0
"""The seconds for which a part is kept for a front end that keeps silent."""

_RETRY_S = 5.0  # until a part that could not be brought in is tried again: its files may have arrived
_STOP_TIMEOUT_S = 1.0  # a load that takes longer is abandoned; the thread ends with the process
_DAMAGED = "has a damaged file, which its log names"

_log = structlog.stdlib.get_logger("placefix.service")


@dataclass(frozen=True)
class _Lease:
    """Hold the parts that a front end needs, and the time until which it does."""

    parts: frozenset[Part]
    until_s: float


@dataclass(frozen=True)
class _Refusal:
    """Hold why a part was not brought in, and when it is tried again."""

    reason: str
    retry_at_s: float


class HeldParts:
    """Bring parts in and drop them, on a thread of its own."""

    def __init__(
        self,
        maps: ServedMaps,
        paths: Mapping[str, Path],
        shard: Shard,
        bring_in: BringIn,
        on_held: Callable[[Localizer], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with the parts that are served.

        Args:
            maps: The parts that are served.
            paths: Name of a map → its directory.
            shard: The part that this server has at its start, whose number stays.
            bring_in: The function that opens parts.
            on_held: A function that gets each part that is served from now on.
            clock: A clock in seconds.
        """
        self._maps = maps
        self._paths = paths
        self._shard = shard
        self._bring_in = bring_in
        self._on_held = on_held
        self._clock = clock
        self._changed = threading.Condition()
        self._leases: dict[str, _Lease] = {}
        self._refusals: dict[Part, _Refusal] = {}
        self._is_due = self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="placefix-parts", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End the thread after its present task, if that does not take long."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(min(timeout_s, _STOP_TIMEOUT_S))

    def want(self, wanted: Wanted) -> ShardState:
        """Note the parts that a front end needs from now on, and return the state of this shard."""
        with self._changed:
            self._leases[wanted.front] = _Lease(frozenset(wanted.parts), self._clock() + LEASE_S)
            self._is_due = True
            self._changed.notify()
        with self._maps.reading_all() as versions:
            held = tuple(version.as_shard.identity for version in versions if version.damage is None)
            damaged = tuple(
                RefusedPart(version.as_shard.identity.part, _DAMAGED)
                for version in versions
                if version.damage is not None
            )
        with self._changed:
            refused = tuple(
                RefusedPart(part, refusal.reason)
                for part, refusal in self._refusals.items()
                if refusal.retry_at_s > self._clock()
            )
        return ShardState(held, damaged + refused)

    def keep(self) -> None:
        """Bring in needed parts that are missing, and drop others; the thread does this again and again."""
        with self._changed:
            now = self._clock()
            self._leases = {front: lease for front, lease in self._leases.items() if lease.until_s > now}
            needed = frozenset().union(*(lease.parts for lease in self._leases.values()))
            self._refusals = {part: refusal for part, refusal in self._refusals.items() if part in needed}
            tried = {part for part, refusal in self._refusals.items() if refusal.retry_at_s > now}
        held = self._held()
        for part in sorted(needed - held - tried, key=str):
            self._drop(part.map, needed)
            self._try(part)
        for name in {part.map for part in needed & self._held()}:
            self._drop(name, needed)

    def _held(self) -> set[Part]:
        with self._maps.reading_all() as versions:
            return {version.as_shard.identity.part for version in versions}

    def _drop(self, map_name: str, needed: frozenset[Part]) -> None:
        """Drop the parts of a map that nobody needs, unless no other one is left."""
        of_map = sorted((part for part in self._held() if part.map == map_name), key=str)
        keep = [part for part in of_map if part in needed] or of_map[-1:]
        for part in of_map:
            if part not in keep:
                self._maps.remove(str(part))
                _log.info("a part is not needed any more", part=str(part))

    def _try(self, part: Part) -> None:
        start_s = self._clock()
        reason = self._reason_against(part)
        if reason is None:
            try:
                localizer = self._bring_in(self._paths[part.map], part.version, shard=Shard.parse(part.shard))
            except NotReady:  # the service stops, or its worker has died
                return
            except PlacefixError as error:
                reason = f"cannot serve version {part.version} of {part.map} as {part.shard}: {error.message}"
            except Exception as error:  # noqa: BLE001 - after any error of a new part, the others must stay
                _log.error("a part cannot be brought in", part=str(part), exc_info=error)
                reason = f"cannot serve version {part.version} of {part.map}; its log has the reason"
            else:
                self._maps.add(localizer)
                self._on_held(localizer)
                _log.info("a part is held", part=str(part), duration_s=round(self._clock() - start_s, 3))
                return
        _log.warning("a part is refused", part=str(part), reason=reason)
        with self._changed:
            self._refusals[part] = _Refusal(reason, self._clock() + _RETRY_S)

    def _reason_against(self, part: Part) -> str | None:
        if part.map not in self._paths:
            return f"does not serve the map {part.map}"
        number = part.shard.partition("/")[0]
        if number != str(self._shard.number):
            return f"is another than it must be: shard {self._shard} instead of {part.shard}"
        others = sorted(str(each) for each in self._held() if each.map == part.map)
        if len(others) >= MOST_PARTS:
            return f"holds {' and '.join(others)} for other front ends, and has no room for {part}"
        return None

    def _run(self) -> None:
        keep_to_one_core()  # for loading beside the device
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_due or self._is_stopping, _RETRY_S)
                self._is_due = False
                if self._is_stopping:
                    return
            self.keep()
