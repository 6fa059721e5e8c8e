"""Many requests, one after another and together: does a server keep anything of them?"""

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
    """What was measured.

    Attributes:
        requests: Answered rightly, after the first ones that do not count.
        failed: Others.
        grown_bytes: Memory of the process at the end, less that at the beginning.
        grown_files: Likewise of its file descriptors.
        grown_threads: Likewise of its threads.
        resident_bytes: Its memory after each tenth of the requests.
    """

    requests: int
    failed: int
    grown_bytes: int
    grown_files: int
    grown_threads: int
    resident_bytes: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def measure_endurance(server: Server, load_map: LoadMap, requests: int, *, warm_up: int = 1000) -> Endurance:
    """Asks until so many requests are answered.

    Args:
        server: The server.
        load_map: What it serves.
        requests: How many, at least.
        warm_up: Requests before; what is made once is made by then.
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
    """Asks at least so often; how many answers were right, and how many not."""
    right, wrong = 0, 0
    while right < requests:
        outcome = asyncio.run(closed_loop(server.url, load_map.pictures, CLIENTS, _ROUND_S))
        right += outcome.statuses[200] - outcome.wrong
        wrong += outcome.sent - outcome.statuses[200] + outcome.wrong
    return right, wrong


def _look(server: Server) -> tuple[int, int, int]:
    time.sleep(_SETTLED_S)  # until the connections of the clients have gone on its side, too
    return server.resident_bytes, server.open_files, server.threads
