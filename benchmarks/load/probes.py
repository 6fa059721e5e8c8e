"""Probes of the service under load, like those of Prometheus and a load balancer."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.load.client import Client, get_request

_INTERVAL_S = 0.25
_DEPTH = re.compile(rb"^placefix_queue_depth (\S+)$", re.MULTILINE)
_IN_FLIGHT = re.compile(rb"^placefix_in_flight_requests (\S+)$", re.MULTILINE)


@dataclass
class Seen:
    """Hold the results of the probes.

    Attributes:
        metrics_s: Seconds of each probe of ``/metrics``.
        ready_s: Seconds of each probe of ``/health/ready``.
        not_ready: Probes at which the service was not ready, or did not answer.
        deepest_queue: Greatest number of waiting pictures.
        most_in_flight: Greatest number of simultaneous queries.
    """

    metrics_s: list[float] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)
    not_ready: int = 0
    deepest_queue: int = 0
    most_in_flight: int = 0


@asynccontextmanager
async def looking(url: str) -> AsyncIterator[Seen]:
    """Probe four times per second during the block, on connections that are kept."""
    seen = Seen()
    looks = asyncio.create_task(_look(url, seen))
    try:
        yield seen
    finally:
        looks.cancel()
        with suppress(asyncio.CancelledError):
            await looks


async def _look(url: str, seen: Seen) -> None:
    where = urlsplit(url)
    client = Client(where.hostname or "127.0.0.1", where.port or 80)
    metrics, ready = (get_request(where.netloc, path) for path in ("/metrics", "/health/ready"))
    try:
        while True:
            start = time.perf_counter()
            told = await client.ask(metrics)
            seen.metrics_s.append(time.perf_counter() - start)
            start = time.perf_counter()
            seen.not_ready += (await client.ask(ready)).status != 200
            seen.ready_s.append(time.perf_counter() - start)
            for pattern, name in ((_DEPTH, "deepest_queue"), (_IN_FLIGHT, "most_in_flight")):
                if found := pattern.search(told.body):
                    setattr(seen, name, max(getattr(seen, name), int(float(found[1]))))
            await asyncio.sleep(_INTERVAL_S)
    finally:
        await client.close()
