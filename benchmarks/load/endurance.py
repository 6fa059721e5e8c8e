"""Many requests, one after another and together, to find resources that a server does not release."""

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.load.generator import closed_loop
from benchmarks.load.minimal_map import LoadMap
from benchmarks.load.server import Server

CLIENTS = 8
_ROUND_S = 0.5
_SETTLED_S = 1.0


@dataclass(frozen=True)
class Endurance:
    """Hold the measured resources.

    Attributes:
        requests: Right answers, after the warm-up.
        failed: The number of other answers.
        grown_bytes: Growth of the memory of the process from beginning to end.
        grown_files: Growth of the number of its file descriptors.
        grown_threads: Growth of the number of its threads.
        resident_bytes: The memory after each tenth of the requests.
    """

    requests: int
    failed: int
    grown_bytes: int
    grown_files: int
    grown_threads: int
    resident_bytes: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the values for a file."""
        return asdict(self)


def measure_endurance(server: Server, load_map: LoadMap, requests: int, *, warm_up: int = 1000) -> Endurance:
    """Ask until a number of requests is answered.

    Args:
        server: The server.
        load_map: The map that it serves.
        requests: The least number of requests.
        warm_up: The number of requests before, after which all one-time allocations are made.
    """
    _ask(server, load_map, warm_up)
    first = _look(server)
    answered, failed, sizes = 0, 0, [first[0]]
    while answered < requests:
        more, wrong = _ask(server, load_map, max(1, min(requests // 10, requests - answered)))
        answered, failed = answered + more, failed + wrong
        sizes.append(server.resident_bytes)
    last = _look(server)
    return Endurance(
        requests=answered,
        failed=failed,
        grown_bytes=last[0] - first[0],
        grown_files=last[1] - first[1],
        grown_threads=last[2] - first[2],
        resident_bytes=tuple(sizes),
    )


def _ask(server: Server, load_map: LoadMap, requests: int) -> tuple[int, int]:
    """Ask a least number of times; return the numbers of right and of other answers."""
    right, wrong = 0, 0
    while right < requests:
        outcome = asyncio.run(closed_loop(server.url, load_map.pictures, CLIENTS, _ROUND_S))
        right += outcome.statuses[200] - outcome.wrong
        wrong += outcome.sent - outcome.statuses[200] + outcome.wrong
    return right, wrong


def _look(server: Server) -> tuple[int, int, int]:
    time.sleep(_SETTLED_S)  # until the server has closed the connections of the clients, too
    return server.resident_bytes, server.open_files, server.threads
