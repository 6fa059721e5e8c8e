"""An engine that is slow, fails or dies as it is told, and what is seen of the worker that has it."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch

from model.features import Features
from service.device_queue.queue import DeviceQueue
from service.device_queue.ticket import Clock, Ticket
from service.device_queue.worker import DeviceWorker, WorkerState
from service.encoded_query import EncodedQuery
from service.engine import Engine, Query
from service.localization import Localization, Verdict
from service.localizer import Localizer
from service.metrics import Metrics
from service.query_options import QueryOptions
from service.settings import ServiceSettings
from service.watchdog import Watchdog
from tests.waiting import wait_until

WAIT_S = 20


class BrokenDevice(Exception):
    """Break like an accelerator."""


def query(number: int) -> Query:
    """Make a query that asks for twice a number."""
    return Query(torch.tensor([number]), cast(Localizer, None), QueryOptions(1, 1, rerank="never"))


def numbers(queries: Sequence[Query]) -> list[int]:
    return [int(each.image) for each in queries]


def answer_of(ticket: Ticket, timeout_s: float = WAIT_S) -> int:
    """Wait for the answer to a ticket."""
    return ticket.future.result(timeout_s).gathered_bytes


@dataclass
class Doubler(Engine):
    """Answer twice the number that is asked; a gate holds it back, and some numbers make it fail."""

    fatal_errors: tuple[type[BaseException], ...] = (BrokenDevice,)
    memory_errors: tuple[type[BaseException], ...] = (MemoryError,)
    fits: int = 1000
    freed: int = 0
    probes: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    has_begun: threading.Event = field(default_factory=threading.Event)
    batches: list[list[int]] = field(default_factory=list)
    cannot_encode: frozenset[int] = frozenset()
    cannot_answer: frozenset[int] = frozenset()
    fatal: frozenset[int] = frozenset()
    item_s: float = 0.0
    threads: set[str] = field(default_factory=set)

    def expected_s(self, item: Query) -> float:
        return int(item.image) * self.item_s

    def encode(self, items: Sequence[Query]) -> list[EncodedQuery]:
        asked = numbers(items)
        self.threads.add(threading.current_thread().name)
        self.batches.append(asked)
        self.has_begun.set()
        assert self.gate.wait(WAIT_S)
        if self.fatal.intersection(asked):
            raise BrokenDevice("an illegal memory access")
        if len(asked) > self.fits:
            raise MemoryError(f"{len(asked)} do not fit")
        if self.cannot_encode.intersection(asked):
            raise ValueError(f"cannot encode {asked}")
        return [EncodedQuery(cast(Features, None), 0.0) for _ in asked]

    def answer(self, item: Query, encoded: EncodedQuery, is_wanted: Callable[[], bool]) -> Localization:  # noqa: ARG002
        self.threads.add(threading.current_thread().name)
        number = int(item.image)
        if number in self.cannot_answer:
            raise ValueError(f"cannot answer {number}")
        assert is_wanted()
        return Localization(Verdict("no_candidates"), None, (), "", "", {}, gathered_bytes=2 * number)

    def probe(self) -> None:
        self.probes += 1

    def free_memory(self) -> None:
        self.freed += 1


class Observed(Metrics):
    """Record the calls of the real metrics."""

    def __init__(self) -> None:
        super().__init__("test")
        self.sizes: list[int] = []
        self.too_large: list[int] = []
        self.reasons: list[str] = []
        self.states: list[WorkerState] = []

    def batch_taken(self, size: int) -> None:
        super().batch_taken(size)
        self.sizes.append(size)

    def entry_dropped(self, reason: str) -> None:
        super().entry_dropped(reason)
        self.reasons.append(reason)

    def batch_too_large(self, size: int) -> None:
        super().batch_too_large(size)
        self.too_large.append(size)


@dataclass(frozen=True)
class Device:
    """Hold a worker with its queue."""

    queue: DeviceQueue
    worker: DeviceWorker
    engine: Doubler
    watchdog: Watchdog

    def submit(self, number: int, deadline_s: float = math.inf) -> Ticket:
        with self.queue.reserve(deadline_s) as submit:
            return submit(query(number))[0]

    def occupy(self, number: int = 0) -> Ticket:
        """Make the device encode one picture until the gate opens, so that later queries wait."""
        ticket = self.submit(number)
        assert self.engine.has_begun.wait(WAIT_S)
        return ticket

    def wait_for(self, state: WorkerState) -> None:
        wait_until(lambda: self.worker.state is state, lambda: f"still {self.worker.state}")


def make_device(
    engine: Doubler,
    observed: Observed,
    load: Callable[[], Engine] | None = None,
    clock: Clock = time.monotonic,
    probe_interval_s: float = 3600.0,
    **settings: Any,
) -> Device:
    """Make a worker whose thread does not run: it is started, or its steps are taken one by one."""
    defaults = {"queue_size": 8, "max_batch_size": 4, "stuck_after_s": WAIT_S}
    chosen = ServiceSettings(**{**defaults, **settings})
    queue, watchdog = DeviceQueue(chosen, observed, clock), Watchdog(chosen.stuck_after_s)
    on_state = observed.states.append
    worker = DeviceWorker(load or (lambda: engine), queue, chosen, observed, watchdog, on_state, probe_interval_s)
    return Device(queue, worker, engine, watchdog)


StartDevice = Callable[..., Device]
