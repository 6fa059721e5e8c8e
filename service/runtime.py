"""What lives longer than a request: the worker, the decoding threads, the count of requests in flight."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from starlette.requests import ClientDisconnect, Request

from index_builder.checks.version import check_version
from model.errors import (
    DeadlineExceeded,
    InvalidParameter,
    MapCorrupt,
    MapNotFound,
    NotReady,
    Overloaded,
    PlacefixError,
)
from service.batching import DeviceWorker, WorkerState
from service.decoding import DecodePool
from service.engine import Engine, Query
from service.localizer import EncodedQuery, Localization, Localizer
from service.map_check import MapCheck
from service.metrics import Metrics
from service.settings import ServiceSettings
from service.tickets import WAITED_TOO_LONG, Answered, Ticket

_log = structlog.stdlib.get_logger("placefix.service")


class Runtime:
    """The running service.

    Attributes:
        settings: Its settings.
        metrics: Its metrics.
        decoder: Its decoding threads.
        failure: What ended the worker, if it failed.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics, on_failure: Callable[[], None]) -> None:
        """Prepares the service; ``start`` begins to load.

        Args:
            settings: Limits and defaults.
            metrics: Where to count.
            on_failure: Called from the worker's thread after loading has failed or the worker has died.
        """
        self.settings = settings
        self.metrics = metrics
        self.decoder = DecodePool(settings.decode_threads, settings.image_limits)
        self._on_failure = on_failure
        self._in_flight = 0
        self._is_draining = False
        self._engine: Engine | None = None
        self._map_check: MapCheck | None = None
        self._worker: DeviceWorker[Query, EncodedQuery, Localization] = DeviceWorker(
            self._load,
            queue_size=settings.queue_size,
            max_batch_size=settings.max_batch_size,
            stuck_after_s=settings.stuck_after_s,
            observer=metrics,
            on_state=self._on_worker_state,
        )
        metrics.watch(
            queue_depth=lambda: self._worker.queue_depth,
            is_ready=lambda: self.is_ready,
            in_flight=lambda: self._in_flight,
        )

    @property
    def failure(self) -> BaseException | None:
        """What ended the worker, if it failed."""
        return self._worker.failure

    @property
    def is_ready(self) -> bool:
        """Whether queries are answered now."""
        return self._worker.is_ready and not self._is_draining and self._damage is None

    @property
    def _damage(self) -> MapCorrupt | None:
        return None if self._map_check is None else self._map_check.damage

    @property
    def engine(self) -> Engine:
        """Network and maps.

        Raises:
            NotReady: Still loading, stopping, dead or stuck; or a map has changed on the disk.
        """
        self._worker.check_ready()
        if self._damage is not None:
            raise NotReady("a map has changed on the disk since it was written, and is not answered from; see the log")
        if self._engine is None or self._is_draining:
            raise NotReady("the service is stopping")
        return self._engine

    def start(self) -> None:
        """Begins to load, on the worker's thread; ``is_ready`` tells when it is done."""
        self._worker.start()

    def begin_draining(self) -> None:
        """Says no to readiness and to new queries; those in flight are answered."""
        self._is_draining = True

    def stop(self) -> None:
        """Answers what is in the queue, and ends all threads."""
        self.begin_draining()
        if self._map_check is not None:
            self._map_check.stop()
        if not self._worker.stop(self.settings.shutdown_grace_s):
            _log.warning("the worker is still busy; its query is given up")
        elif self._engine is not None:
            self._engine.close()
        self.decoder.close()

    @contextmanager
    def admit(self) -> Iterator[Engine]:
        """Lets a query in while the block lasts, or refuses it at once, before its body is read.

        Raises:
            NotReady: No query is answered now.
            Overloaded: Too many requests in flight, or too many pictures in the queue to answer one more in time.
        """
        engine = self.engine
        if self._in_flight >= self.settings.max_in_flight:
            raise Overloaded(f"{self._in_flight} queries are being answered already; try again in a moment")
        self._worker.check_queue(time.monotonic() + self.settings.deadline_s)
        self._in_flight += 1
        try:
            yield engine
        finally:
            self._in_flight -= 1

    async def answer(self, query: Query, request: Request, deadline: float) -> Answered[Localization]:
        """Sends a query to the device and waits for the answer, as long as the client waits too.

        Args:
            query: The query.
            request: Whose body has been read; is watched for the client's going away.
            deadline: On the clock of ``time.monotonic``.

        Raises:
            DeadlineExceeded: The deadline has passed while the device worked for this query.
            Overloaded: It has passed while the query waited behind others, or there is no room in the queue.
            ClientDisconnect: The client has gone.
            NotReady: The worker is not ready.
        """
        ticket = self._worker.submit(query, deadline)
        answered = asyncio.wrap_future(ticket.future)
        gone = asyncio.create_task(_until_gone(request))
        try:
            waited_for: set[asyncio.Future[Any]] = {answered, gone}
            left_s = max(0.0, deadline - time.monotonic())
            await asyncio.wait(waited_for, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if answered.done():
                return answered.result()
            if gone.done():
                raise ClientDisconnect
            if not ticket.has_begun:
                raise Overloaded(WAITED_TOO_LONG)
            raise DeadlineExceeded(deadline_message(self.settings))
        finally:
            gone.cancel()
            _give_up(ticket, answered)

    def _load(self) -> Engine:
        _log.info("loading", maps=[path.name for path in self.settings.maps])
        start = time.perf_counter()
        engine = Engine.load(self.settings)
        loaded = engine.loaded
        if self.settings.verify == "start":
            for localizer in loaded.localizers.values():
                check_version(localizer.place_map)
        for name, localizer in loaded.localizers.items():
            self.metrics.set_map(name, localizer.place_map.version, len(localizer.place_map))
            self.metrics.set_device(loaded.device, localizer.searcher.name, localizer.matcher)
        self.metrics.set_encoding(loaded.encoding)
        self._engine = engine
        _log.info(
            "loaded",
            duration_s=round(time.perf_counter() - start, 3),
            device=str(loaded.device.device),
            device_reason=loaded.device.reason,
            encoding=loaded.encoding.precision,
            encoding_reason=loaded.encoding.reason,
            maps={name: localizer.place_map.version for name, localizer in loaded.localizers.items()},
            searchers=sorted({localizer.searcher.name for localizer in loaded.localizers.values()}),
            matchers=sorted({localizer.matcher for localizer in loaded.localizers.values()}),
            shortlist=engine.defaults.shortlist,
            rerank=engine.defaults.rerank,
        )
        if not loaded.encoder.is_trained:
            consequence = (
                "re-ranking was asked for: it counts matches of features that were never trained"
                if engine.defaults.rerank
                else "candidates are not re-ranked unless a request asks"
            )
            _log.warning("the network is not trained for places", consequence=consequence)
        if self.settings.verify == "background":
            self._map_check = MapCheck(loaded.localizers, self._on_damage)
            self._map_check.start()
        return engine

    def _on_damage(self, name: str, error: MapCorrupt) -> None:
        _log.error("a map is damaged, and no query is answered any more", map=name, reason=error.message)
        self.metrics.set_damaged(name)

    def _on_worker_state(self, state: WorkerState) -> None:
        _log.debug("worker", state=state.value)
        if state is WorkerState.FAILED:
            failure = self._worker.failure
            if isinstance(failure, PlacefixError):
                _log.error("the service cannot go on", code=failure.code, reason=failure.message)
            else:
                _log.error("the worker has died", exc_info=failure)
            self._on_failure()


def choose_localizer(engine: Engine, map_name: str | None) -> Localizer:
    """The localizer of the map that a request names; of the only one, if it names none.

    Raises:
        MapNotFound: No map of that name is served.
        InvalidParameter: Several are served, and none is named.
    """
    localizers = engine.loaded.localizers
    served = ", ".join(sorted(localizers))
    if map_name is None:
        if len(localizers) > 1:
            raise InvalidParameter(f"parameter map is missing: several maps are served: {served}")
        return next(iter(localizers.values()))
    if map_name not in localizers:
        raise MapNotFound(f"no map of that name is served here; served: {served}")
    return localizers[map_name]


def deadline_message(settings: ServiceSettings) -> str:
    """What a client is told whose answer would come too late."""
    return f"the answer was not ready within {settings.deadline_s:g} seconds; ask for a shorter shortlist, or try later"


async def _until_gone(request: Request) -> None:
    """Returns once the client has closed its connection; the body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _give_up(ticket: Ticket[Query, Localization], answered: "asyncio.Future[Answered[Localization]]") -> None:
    if not answered.done():
        answered.cancel()
        ticket.abandon()
