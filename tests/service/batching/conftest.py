"""Workers that are started for a test, and stopped after it."""

from collections.abc import Iterator

import pytest

from service.batch_options import Batching
from service.batching import DeviceWorker
from service.errors import DeviceStuck
from service.worker_state import WorkerState
from tests.service.batching.doubler import WAIT_S, Doubler, Observed, StartWorker, Worker, wait_for_state


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def start_worker(observed: Observed) -> Iterator[StartWorker]:
    started: list[tuple[Worker, Doubler]] = []

    def start(
        processor: Doubler,
        *,
        queue_size: int = 8,
        max_batch_size: int = 4,
        delay_s: float = 0,
        stuck_after_s: float = WAIT_S,
        probe_interval_s: float = 0,
    ) -> Worker:
        batching = Batching(queue_size, max_batch_size, delay_s, stuck_after_s, probe_interval_s)
        worker: Worker = DeviceWorker(lambda: processor, batching, observer=observed, on_state=observed.states.append)
        worker.start()
        wait_for_state(worker, WorkerState.READY)
        started.append((worker, processor))
        return worker

    yield start
    for worker, processor in started:
        processor.gate.set()
        if not isinstance(worker.failure, DeviceStuck):
            assert worker.stop(WAIT_S)
