"""Clients that send at a constant rate, independent of the server: an open loop.

A client that waits for its answer before it sends again sends less while the server is slow, and measures too little
(*coordinated omission*). Here each request has a due time, and its latency counts from it.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

from benchmarks.load.client import Client, localize_request


@dataclass
class Outcome:
    """Hold the results of the requests of one run.

    Attributes:
        latencies_s: Latencies of answers, from the due time of the request.
        overhead_s: Latencies of answers minus the time of the server's stages.
        refused_s: Latencies of refusals, from the due time of the request.
        statuses: The count of each status; 0 for no answer.
        wrong: The number of answers that named another picture.
        duration_s: The time from the first due time to the last answer.
        asked: The due time of each request, on the clock of ``time.perf_counter``, and its status.
    """

    latencies_s: list[float] = field(default_factory=list)
    overhead_s: list[float] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    duration_s: float = 0.0
    asked: list[tuple[float, int]] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Return the number of requests."""
        return sum(self.statuses.values())

    @property
    def lost(self) -> int:
        """Return the number of requests without an answer."""
        return self.statuses[0]

    def percentile_ms(self, percent: float) -> float | None:
        """Return a percentile of the answers' latencies; None without answers."""
        return float(np.percentile(self.latencies_s, percent)) * 1000 if self.latencies_s else None

    @property
    def answered_a_second(self) -> float:
        """Return answers over the duration."""
        return len(self.latencies_s) / self.duration_s


async def open_loop(url: str, pictures: Mapping[str, bytes], rate: float, duration_s: float) -> Outcome:
    """Send ``rate`` requests per second.

    Args:
        url: The address of the server.
        pictures: Id → bytes; each must be its own best candidate.
        rate: The requests per second.
        duration_s: The duration of sending.
    """
    outcome, client, requests = Outcome(), *_client_of(url, pictures)
    start = time.perf_counter()
    tasks: set[asyncio.Task[None]] = (
        set()
    )  # finished ones are removed, because a loop over all of them would cause pauses
    for number in range(round(rate * duration_s)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        name, request = requests[number % len(requests)]
        task = asyncio.create_task(_ask(client, name, request, due, outcome))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    outcome.duration_s = time.perf_counter() - start
    await client.close()
    return outcome


async def closed_loop(url: str, pictures: Mapping[str, bytes], clients: int, duration_s: float) -> Outcome:
    """Run a number of clients, each of which sends again after its answer, to find the server's capacity."""
    outcome, client, requests = Outcome(), *_client_of(url, pictures)
    end = time.perf_counter() + duration_s

    async def go_on(first: int) -> None:
        number = first
        while time.perf_counter() < end:
            name, request = requests[number % len(requests)]
            await _ask(client, name, request, time.perf_counter(), outcome)
            number += clients

    start = time.perf_counter()
    await asyncio.gather(*(go_on(first) for first in range(clients)))
    outcome.duration_s = time.perf_counter() - start
    await client.close()
    return outcome


def _client_of(url: str, pictures: Mapping[str, bytes]) -> tuple[Client, list[tuple[str, bytes]]]:
    where = urlsplit(url)
    host, port = where.hostname or "127.0.0.1", where.port or 80
    return Client(host, port), [(name, localize_request(where.netloc, content)) for name, content in pictures.items()]


async def _ask(client: Client, name: str, request: bytes, due: float, outcome: Outcome) -> None:
    try:
        response = await client.ask(request)
    except OSError:
        outcome.statuses[0] += 1
        outcome.asked.append((due, 0))
        return
    latency_s = time.perf_counter() - due
    outcome.statuses[response.status] += 1
    outcome.asked.append((due, response.status))
    if response.status != 200:
        outcome.refused_s.append(latency_s)
        return
    answer = json.loads(response.body)
    outcome.latencies_s.append(latency_s)
    outcome.overhead_s.append(latency_s - _stages_s(answer["timings_ms"]))
    outcome.wrong += answer["candidates"][0]["id"] != name


def _stages_s(timings_ms: Mapping[str, float | None]) -> float:
    stages: Sequence[float] = [value for name, value in timings_ms.items() if name != "total" and value is not None]
    return sum(stages) / 1000
