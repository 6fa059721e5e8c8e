"""A temporary overload with several times the server's capacity, and the fate of the admitted requests."""

import asyncio
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.load.generator import Outcome, closed_loop, open_loop
from benchmarks.load.minimal_map import LoadMap
from benchmarks.load.probes import Seen, looking
from benchmarks.load.server import Server

CLIENTS = 32
TIMES_CAPACITY = 5.0
QUEUE_SIZE = 64
BATCH_SIZE = 8
_SLACK = 0.2


@dataclass(frozen=True)
class Overload:
    """Hold the measured values.

    Attributes:
        capacity: Answers per second with 32 waiting clients.
        rate: Requests per second of the overload.
        sent: Requests.
        answered: Answers.
        refused: Requests that got 503.
        lost: Requests without an answer, or with another status.
        wrong: Answers for another picture.
        batch_ms: The time of a full batch at that capacity.
        bound_ms: (batches that fit the queue + 1) times ``batch_ms``.
        admitted_p50_ms: Median latency of the answers, from the due time of the request.
        admitted_p99_ms: 99th percentile of these latencies.
        admitted_max_ms: Greatest of these latencies.
        late: Answers later than the bound and 20 %.
        refused_p50_ms: Median latency of refusals.
        refused_p99_ms: 99th percentile of the latency of refusals.
        metrics_p99_ms: 99th percentile of the latency of ``GET /metrics``.
        ready_p99_ms: 99th percentile of the latency of ``GET /health/ready``.
        not_ready: Probes at which the service was not ready.
        queue_size: Pictures that may wait.
        deepest_queue: Greatest observed number of waiting pictures.
        grown_bytes: Growth of the server's memory.
    """

    capacity: float
    rate: float
    sent: int
    answered: int
    refused: int
    lost: int
    wrong: int
    batch_ms: float
    bound_ms: float
    admitted_p50_ms: float
    admitted_p99_ms: float
    admitted_max_ms: float
    late: int
    refused_p50_ms: float
    refused_p99_ms: float
    metrics_p99_ms: float
    ready_p99_ms: float
    not_ready: int
    queue_size: int
    deepest_queue: int
    grown_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Return the values for a file."""
        return asdict(self)


def measure_overload(
    server: Server, load_map: LoadMap, seconds: float, *, warm_up_s: float = 16.0, times: float = TIMES_CAPACITY
) -> Overload:
    """Measure the capacity of a server, and then send more.

    Args:
        server: A server with a queue of ``QUEUE_SIZE`` and batches of ``BATCH_SIZE``.
        load_map: The map that it serves.
        seconds: The duration of the overload.
        warm_up_s: The duration of the closed loop; its second half gives the capacity.
        times: The factor of the overload on the capacity.
    """
    asyncio.run(closed_loop(server.url, load_map.pictures, CLIENTS, warm_up_s / 2))
    capacity = asyncio.run(closed_loop(server.url, load_map.pictures, CLIENTS, warm_up_s / 2)).answered_a_second
    before = server.resident_bytes
    outcome, seen = asyncio.run(_overload(server.url, load_map, times * capacity, seconds))
    batch_ms = 1000 * BATCH_SIZE / capacity
    bound_ms = (math.ceil(QUEUE_SIZE / BATCH_SIZE) + 1) * batch_ms
    return Overload(
        capacity=capacity,
        rate=times * capacity,
        sent=outcome.sent,
        answered=outcome.statuses[200],
        refused=outcome.statuses[503],
        lost=outcome.sent - outcome.statuses[200] - outcome.statuses[503],
        wrong=outcome.wrong,
        batch_ms=batch_ms,
        bound_ms=bound_ms,
        admitted_p50_ms=_percentile_ms(outcome.latencies_s, 50),
        admitted_p99_ms=_percentile_ms(outcome.latencies_s, 99),
        admitted_max_ms=_percentile_ms(outcome.latencies_s, 100),
        late=sum(1000 * latency_s > (1 + _SLACK) * bound_ms for latency_s in outcome.latencies_s),
        refused_p50_ms=_percentile_ms(outcome.refused_s, 50),
        refused_p99_ms=_percentile_ms(outcome.refused_s, 99),
        metrics_p99_ms=_percentile_ms(seen.metrics_s, 99),
        ready_p99_ms=_percentile_ms(seen.ready_s, 99),
        not_ready=seen.not_ready,
        queue_size=QUEUE_SIZE,
        deepest_queue=seen.deepest_queue,
        grown_bytes=server.resident_bytes - before,
    )


async def _overload(url: str, load_map: LoadMap, rate: float, seconds: float) -> tuple[Outcome, Seen]:
    async with looking(url) as seen:
        return await open_loop(url, load_map.pictures, rate, seconds), seen


def _percentile_ms(seconds: list[float], percent: float) -> float:
    return float(np.percentile(seconds, percent)) * 1000 if seconds else math.nan
