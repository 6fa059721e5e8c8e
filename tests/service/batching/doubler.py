"""A processor that is slow, fails or dies as it is told, and what is seen of the worker that has it."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from service.batching import DeviceWorker
from service.tickets import Ticket
from service.worker_state import WorkerState

WAIT_S = 20


class BrokenDevice(Exception):
    """As an accelerator raises it."""


@dataclass
class Doubler:
    """Answers twice the number that it is asked; its gate holds it back, and some numbers make it fail."""

    fatal_errors: tuple[type[BaseException], ...] = (BrokenDevice,)
    memory_errors: tuple[type[BaseException], ...] = (MemoryError,)
    fits: int = 1000
    freed: int = 0
    probes: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    encoding: threading.Event = field(default_factory=threading.Event)
    batches: list[list[int]] = field(default_factory=list)
    cannot_encode: frozenset[int] = frozenset()
    cannot_answer: frozenset[int] = frozenset()
    fatal: frozenset[int] = frozenset()
    item_s: float = 0.0
    threads: set[str] = field(default_factory=set)

    def expected_s(self, item: int) -> float:
        return item * self.item_s

    def encode(self, items: Sequence[int]) -> Sequence[int]:
        self.threads.add(threading.current_thread().name)
        self.batches.append(list(items))
        self.encoding.set()
        assert self.gate.wait(WAIT_S)
        if self.fatal.intersection(items):
            raise BrokenDevice("an illegal memory access")
        if len(items) > self.fits:
            raise MemoryError(f"{len(items)} do not fit")
        if self.cannot_encode.intersection(items):
            raise ValueError(f"cannot encode {items}")
        return [2 * item for item in items]

    def answer(self, item: int, encoded: int, is_wanted: Callable[[], bool]) -> int:
        self.threads.add(threading.current_thread().name)
        if item in self.cannot_answer:
            raise ValueError(f"cannot answer {item}")
        assert is_wanted()
        return encoded

    def probe(self) -> None:
        self.probes += 1

    def free_memory(self) -> None:
        self.freed += 1


@dataclass
class Observed:
    sizes: list[int] = field(default_factory=list)
    too_large: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    states: list[WorkerState] = field(default_factory=list)

    def batch_taken(self, size: int) -> None:
        self.sizes.append(size)

    def entry_dropped(self, reason: str) -> None:
        self.reasons.append(reason)

    def batch_too_large(self, size: int) -> None:
        self.too_large.append(size)


Worker = DeviceWorker[int, int, int]


StartWorker = Callable[..., Worker]


def wait_for_state(worker: Worker, state: WorkerState) -> None:
    end = time.monotonic() + WAIT_S
    while worker.state is not state:
        assert time.monotonic() < end, f"still {worker.state}"
        time.sleep(0.001)


def occupy(worker: Worker, processor: Doubler, item: int = 0) -> Ticket[int, int]:
    """Has the worker encode one item until the gate opens, so that what follows has to wait."""
    ticket = worker.submit(item)
    assert processor.encoding.wait(WAIT_S)
    return ticket
