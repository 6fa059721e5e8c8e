"""Devices that are started for a test, and stopped after it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service.device_queue.worker import WorkerState
from service.engine import Engine
from service.errors import DeviceStuck
from tests.service.device_queue.doubler import WAIT_S, Device, Doubler, Observed, StartDevice, make_device


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def start_device(observed: Observed) -> Iterator[StartDevice]:
    """Start workers; yield once they are ready, unless they are given a function that loads their engine."""
    started: list[Device] = []

    def start(engine: Doubler, load: Callable[[], Engine] | None = None, **options: Any) -> Device:
        device = make_device(engine, observed, load, **options)
        started.append(device)
        device.worker.start()
        device.watchdog.start(device.worker.fail)
        if load is None:
            device.wait_for(WorkerState.READY)
        return device

    yield start
    for device in started:
        device.engine.gate.set()
        device.watchdog.stop()
        if not isinstance(device.worker.failure, DeviceStuck):
            assert device.worker.stop(WAIT_S)
