"""Somebody who looks at the service while it is under load, as Prometheus and a load balancer do."""

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
    """What was seen.

    Attributes:
        metrics_s: Seconds that each look at ``/metrics`` took.
        ready_s: Likewise at ``/health/ready``.
        not_ready: Looks at which the service was not ready, or did not answer.
        deepest_queue: Most pictures that waited.
        most_in_flight: Most queries at a time.
    """

    metrics_s: list[float] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)
    not_ready: int = 0
    deepest_queue: int = 0
    most_in_flight: int = 0


@asynccontextmanager
async def looking(url: str) -> AsyncIterator[Seen]:
    """Looks four times a second while the block lasts, each time on a connection that is kept."""
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
