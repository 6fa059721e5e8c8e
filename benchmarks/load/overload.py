"""Several times more requests than a server can answer, for a while: what becomes of those that it admits."""

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
    """What was measured.

    Attributes:
        capacity: Answers a second when 32 clients wait for theirs.
        rate: Requests a second that were sent then.
        sent: Requests.
        answered: Answers.
        refused: Requests that got 503.
        lost: Requests without an answer, or with another one.
        wrong: Answers for another picture.
        batch_ms: Time of a full batch at that capacity.
        bound_ms: (batches that fit the queue + 1) times that.
        admitted_p50_ms: Latency of the answers, from the time that the request was due.
        admitted_p99_ms: Likewise.
        admitted_max_ms: Likewise.
        late: Answers later than the bound and 20 %.
        refused_p50_ms: Of refusals.
        refused_p99_ms: Of refusals.
        metrics_p99_ms: Of ``GET /metrics``.
        ready_p99_ms: Of ``GET /health/ready``.
        not_ready: Looks at which the service was not ready.
        queue_size: Pictures that may wait.
        deepest_queue: Most pictures that were seen waiting.
        grown_bytes: Memory of the server afterwards, less that before.
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
        """For a file."""
        return asdict(self)


def measure_overload(
    server: Server, load_map: LoadMap, seconds: float, *, warm_up_s: float = 16.0, times: float = TIMES_CAPACITY
) -> Overload:
    """Finds out what a server can answer, and then asks for more.

    Args:
        server: With a queue of ``QUEUE_SIZE`` and batches of ``BATCH_SIZE``.
        load_map: What it serves.
        seconds: Of overload.
        warm_up_s: Of closed loop; its second half counts as capacity.
        times: The capacity is asked for.
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
