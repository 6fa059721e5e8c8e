"""Build the parts that live longer than a request, and start and stop them."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog
import torch

from model.errors import PlacefixError
from place_map.checks.version import check_version
from place_map.errors import MapCorrupt
from service.body_budget import BodyBudget
from service.bringing_in import BringIn
from service.decoding import DecodePool
from service.device_queue.queue import DeviceQueue
from service.device_queue.worker import DeviceWorker, WorkerState
from service.engine import Engine
from service.errors import NotReady, ServiceError
from service.garbage import freeze_gc
from service.grace_period import GracePeriod
from service.held_parts import HeldParts
from service.localizer import Localizer
from service.map_check import MapCheck
from service.map_keeper import MapKeeper
from service.map_swap import Activated, MapSwaps
from service.metrics import Metrics
from service.served_maps import ServedVersion
from service.settings import ServiceSettings
from service.shard_state import ShardState, Wanted
from service.startup_log import tell_what_was_loaded
from service.watchdog import Watchdog

_log = structlog.stdlib.get_logger("placefix.service")


class Runtime:
    """Run the service.

    Attributes:
        settings: The settings.
        metrics: The metrics.
        queue: The queries and tasks that wait for the device.
        decoder: The decoding threads.
        body_budget: The limit on the bytes of all bodies in memory.
        grace_period: The time that stopping may take.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics, on_failure: Callable[[], None]) -> None:
        """Prepare the service; ``start`` begins to load.

        Args:
            settings: Limits and defaults.
            metrics: The metrics.
            on_failure: A function that the worker's thread calls after loading has failed or the worker has died.
        """
        self.settings = settings
        self.metrics = metrics
        self.queue = DeviceQueue(settings, metrics)
        self.body_budget = BodyBudget(settings.max_bytes_in_flight)
        self.grace_period = GracePeriod(settings.shutdown_grace_s)
        self._watchdog = Watchdog(settings.stuck_after_s)
        self.decoder = DecodePool(settings.decode_threads, settings.image_limits, self._watchdog)
        self._worker = DeviceWorker(self._load, self.queue, settings, metrics, self._watchdog, self._on_worker_state)
        self._on_failure = on_failure
        self._device_threads = torch.get_num_threads()
        self._is_draining = False
        self._engine: Engine | None = None
        self._map_check: MapCheck | None = None
        self._map_keeper: MapKeeper | None = None
        self._parts: HeldParts | None = None
        metrics.set_limits(queue_size=settings.queue_size, max_in_flight=settings.max_in_flight)
        metrics.expect_shards(len(settings.shards))
        metrics.watch(
            queue_depth=lambda: self.queue.depth,
            batch_limit=lambda: self._worker.batch_limit,
            since_forward_s=lambda: max(0.0, self.queue.clock() - self._worker.forward_at),
            is_ready=lambda: self.is_ready,
            in_flight=lambda: self.queue.in_flight,
        )

    @property
    def failure(self) -> BaseException | None:
        """Return the error that ended the worker, if it failed."""
        return self._worker.failure

    @property
    def is_ready(self) -> bool:
        """Return whether queries are answered now."""
        try:
            self.check_ready()
        except ServiceError:
            return False
        return True

    @property
    def is_draining(self) -> bool:
        """Return whether the service was told to stop."""
        return self._is_draining

    @property
    def engine(self) -> Engine:
        """Return network and maps, until the service has stopped.

        Raises:
            NotReady: The service is still loading, stopped, dead or stuck.
        """
        self.queue.check_open()
        if self._engine is None:
            raise NotReady(WorkerState.STOPPING.value)
        return self._engine

    def check_ready(self) -> None:
        """Pass if queries should be sent here.

        Raises:
            NotReady: The same as for ``engine``; or a map is damaged, or the service was told to stop, though it still
                answers.
            ShardUnavailable: A shard of a map is missing.
        """
        self.engine.maps.check_all()
        if self._is_draining:
            raise NotReady(WorkerState.STOPPING.value)

    @contextmanager
    def answering_from(self, name: str | None) -> Iterator[ServedVersion]:
        """Read the served version of a map while the block lasts; note damage that the block meets.

        Raises:
            NotReady: The same as for ``engine``; or the version is damaged.
            MapNotFound: No map of that name is served.
            InvalidParameter: Several maps are served, and none is named.
        """
        with self.engine.maps.reading(name) as version:
            version.check_sound()
            try:
                yield version
            except MapCorrupt as error:
                if self._map_check is not None:
                    self._map_check.suspect(version, error)
                raise

    def start(self) -> None:
        """Begin to load, on the worker's thread; ``is_ready`` tells the end."""
        self.decoder.start()
        self._worker.start()
        self._watchdog.start(self._worker.fail)

    def begin_draining(self) -> None:
        """Report that the service is not ready any more; queries are answered until it stops."""
        self._is_draining = True

    def stop(self) -> None:
        """Answer the queries in the queue, and end all threads, within the time that is left of the grace period."""
        self.begin_draining()
        self.grace_period.begin()
        for thread in (self._map_keeper, self._parts, self._map_check):
            if thread is not None:
                thread.stop(self.grace_period.left_s)
        if not self._worker.stop(self.grace_period.left_s):
            _log.warning("the worker is still busy; its query gets no answer")
        elif self._engine is not None:
            self._engine.close()
        self.decoder.close(WorkerState.STOPPING.value)
        self._watchdog.stop()
        torch.set_num_threads(self._device_threads)  # for later threads of this process

    @contextmanager
    def admit(self) -> Iterator[Engine]:
        """Let a query in while the block lasts, or refuse it at once, before its body is read.

        Raises:
            NotReady: No query is answered now.
            Overloaded: There is no room for one more query.
        """
        engine = self.engine
        with self.queue.admit(self.settings.deadline_s):
            yield engine

    def want_parts(self, wanted: Wanted) -> ShardState:
        """Note which parts a front end needs from this shard, and return the parts that it can answer for.

        Raises:
            NotReady: The service is loading, stopping or dead.
        """
        self.queue.check_open()
        if self._parts is None or self._is_draining:
            raise NotReady(WorkerState.STOPPING.value)
        return self._parts.want(wanted)

    async def activate(self, name: str, version: str, expected_version: str | None, shards: int | None) -> Activated:
        """Serve a version of a map; also if the served one is damaged.

        Raises:
            NotReady: The service is loading, stopping or dead.
            PlacefixError: See ``MapSwaps.activate``.
        """
        self.queue.check_open()
        if self._map_keeper is None:
            raise NotReady(WorkerState.STOPPING.value)
        return await asyncio.wrap_future(self._map_keeper.activate(name, version, expected_version, shards))

    def _load(self) -> Engine:
        torch.set_num_threads(self._device_threads)  # else this thread might take over the number of a decoder
        _log.info("loading", maps=[path.name for path in self.settings.maps])
        start = time.perf_counter()
        engine = Engine.load(self.settings, self._close_version)
        if engine.shards is not None:
            connections = engine.shards.connections
            connections.on_call = self.metrics.shard_called
            self.metrics.watch_shards(len(connections.addresses), connections.replicas_of)
        with engine.maps.reading_all() as versions:
            localizers = [version.localizer for version in versions]
            for localizer in localizers:
                if self.settings.verify == "start" and engine.shards is None:
                    check_version(localizer.place_map)
                self._tell_of(engine, localizer)
            self.metrics.set_encoding(engine.encoding)
            self._engine = engine
            tell_what_was_loaded(engine, localizers, time.perf_counter() - start)
        # The shards of a map check its files, each its own part.
        verify = self.settings.verify if engine.shards is None else "off"
        self._map_check = MapCheck(engine.maps, verify, self.settings.verify_interval_s)
        self._keep_maps(engine)
        freeze_gc()
        return engine

    def _keep_maps(self, engine: Engine) -> None:
        """Begin to follow the versions that maps name; on a shard, the parts that front ends need."""
        bring_in = BringIn(engine, self.settings, self.queue.call)

        def on_held(localizer: Localizer) -> None:
            self._tell_of(engine, localizer)
            freeze_gc()
            if self._map_check is not None:
                self._map_check.expect(ServedVersion.name_of(localizer))

        shard = self.settings.map_shard
        if shard is not None:
            with engine.maps.reading_all() as versions:
                paths = {version.map_name: version.localizer.place_map.path for version in versions}
            self._parts = HeldParts(engine.maps, paths, shard, bring_in, on_held)
            self._parts.start()
            return
        swaps = MapSwaps(engine, self.metrics, bring_in=bring_in, on_swap=on_held, close=self._close_version)
        self._map_keeper = MapKeeper(swaps, engine.maps.names, self.settings.watch_interval_s)
        self._map_keeper.start()

    def _tell_of(self, engine: Engine, localizer: Localizer) -> None:
        """Tell the metrics which version is served."""
        name = localizer.place_map.name
        created_at = datetime.fromisoformat(localizer.place_map.manifest.created_at)
        self.metrics.maps.set_version(name, localizer.place_map.version, len(localizer.place_map), created_at)
        self.metrics.maps.watch(name, lambda: engine.maps.is_damaged(name))
        self.metrics.set_device(engine.device, localizer.searcher.name, localizer.matcher)

    def _close_version(self, localizer: Localizer) -> None:
        """Close a version that nobody reads any more, on the thread that owns the device as long as there is one."""
        try:
            self.queue.call(localizer.close)
        except NotReady:
            localizer.close()

    def _on_worker_state(self, state: WorkerState) -> None:
        _log.debug("worker", state=state.name.lower())
        if state is WorkerState.READY and self._map_check is not None:
            self._map_check.start()  # not before: until then the server says that it loads, whatever its maps are
        if state is WorkerState.FAILED:
            self.decoder.close(state.value)
            failure = self._worker.failure
            if isinstance(failure, PlacefixError):
                _log.error("the service cannot go on", code=failure.code, reason=failure.message)
            else:
                _log.error("the worker has died", exc_info=failure)
            self._on_failure()
