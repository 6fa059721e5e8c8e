"""Clients in their own process that compare answers for single pictures with answers under load.

``python -m benchmarks.gpu.asking`` reads the task from stdin, and prints the result, both as JSON.
"""

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.load.client import Client, localize_request

Picks = list[tuple[str, int | None, float]]
"""The candidates of an answer, best first: id, mutual matches, global distance."""


@dataclass(frozen=True)
class Asked:
    """Describe the task of the clients.

    Attributes:
        url: The address of the server.
        folder: The folder of the pictures, ``*.jpg``.
        clients: The number of simultaneous clients.
        seconds: The duration.
    """

    url: str
    folder: str
    clients: int
    seconds: float


def ask(asked: Asked) -> dict[str, Any]:
    """Run the clients in their own process, so that they take no time from a server in this one.

    Returns:
        ``alone``: name of a picture → candidates; ``alone_ms`` and ``together_ms``: percentiles of latency with one
        client and with all; ``answered_a_second``; ``statuses``: the count of each status, 0 for no answer; and
        ``differing``: the number of answers that differ from those of the picture alone.

    Raises:
        subprocess.CalledProcessError: The clients failed.
    """
    finished = subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, "-m", __name__],
        input=json.dumps(asdict(asked)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


async def _ask(asked: Asked) -> dict[str, Any]:
    where = urlsplit(asked.url)
    client = Client(where.hostname or "127.0.0.1", where.port or 80)
    pictures = {path.name: path.read_bytes() for path in sorted(Path(asked.folder).glob("*.jpg"))}
    requests = [(name, localize_request(where.netloc, content)) for name, content in pictures.items()]
    statuses: Counter[int] = Counter()
    alone: dict[str, Picks] = {}
    alone_s: list[float] = []
    for _ in range(2):  # the first round warms up
        alone_s.clear()
        for name, request in requests:
            start_s = time.perf_counter()
            status, alone[name] = await _answer(client, request)
            alone_s.append(time.perf_counter() - start_s)
            statuses[status] += 1
    together_s: list[float] = []
    differing = 0
    end_s = time.perf_counter() + asked.seconds

    async def go_on(first: int) -> None:
        nonlocal differing
        for number in itertools.count(first, asked.clients):  # each asks at least once
            name, request = requests[number % len(requests)]
            start_s = time.perf_counter()
            status, picks = await _answer(client, request)
            statuses[status] += 1
            if status == 200:
                together_s.append(time.perf_counter() - start_s)
                differing += picks != alone[name]
            if time.perf_counter() >= end_s:
                return

    began_s = time.perf_counter()
    await asyncio.gather(*(go_on(number) for number in range(asked.clients)))
    duration_s = time.perf_counter() - began_s
    await client.close()
    return {
        "alone": alone,
        "alone_ms": _percentiles_ms(alone_s),
        "together_ms": _percentiles_ms(together_s),
        "answered_a_second": len(together_s) / duration_s,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "differing": differing,
    }


async def _answer(client: Client, request: bytes) -> tuple[int, Picks]:
    """Ask once; return status 0 if there is no answer."""
    try:
        response = await client.ask(request)
    except OSError:
        return 0, []
    if response.status != 200:
        return response.status, []
    candidates = json.loads(response.body)["candidates"]
    return 200, [(each["id"], each["mutual_matches"], each["global_distance"]) for each in candidates]


def _percentiles_ms(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {f"p{percent}": float(np.percentile(seconds, percent)) * 1000 for percent in (50, 95, 99)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_ask(Asked(**json.load(sys.stdin))))))
