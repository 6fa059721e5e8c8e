"""How slowly a body may come, on a clock that the tests move."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from starlette.requests import Request

from service.bodies import Pace, limited_body
from service.body_budget import BodyBudget
from service.errors import UploadTimeout


class MovedLoop(asyncio.SelectorEventLoop):
    """Run a loop whose clock the tests move."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


async def read(pieces: Sequence[tuple[float, bytes]], pace: Pace) -> bytes:
    """Read a body whose pieces come after the given seconds each."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, MovedLoop)
    coming = iter(pieces)

    async def receive() -> dict[str, Any]:
        after_s, piece = next(coming, (0.0, None))
        loop.ahead_s += after_s
        await asyncio.sleep(0)  # in which the loop looks at its clock
        await asyncio.sleep(0)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    request = Request({"type": "http", "headers": []}, receive)
    with BodyBudget(10**9).lease() as lease:
        async with aclosing(limited_body(request, lease, 10**9, pace, "")) as stream:
            return b"".join([chunk async for chunk in stream])


def run(coroutine: Coroutine[Any, Any, bytes]) -> bytes:
    with asyncio.Runner(loop_factory=MovedLoop) as runner:
        return runner.run(coroutine)


@pytest.mark.parametrize(
    ("pieces", "pace"),
    [
        ([(14, b"a" * 8000)] * 10, Pace(15)),  # 140 s in all
        ([(0.25, b"a" * 131)] * 100, Pace(15)),  # 25 s
        ([(14, b"a" * 10_000), (14, b"b")], Pace(15)),
    ],
)
def test_a_body_may_take_long_while_bytes_keep_coming(pieces: Sequence[tuple[float, bytes]], pace: Pace) -> None:
    assert run(read(pieces, pace)) == b"".join(piece for _, piece in pieces)


@pytest.mark.parametrize(
    ("pieces", "pace"),
    [
        ([(0, b"a" * 10**6), (16, b"b")], Pace(15)),  # a pause, after however much
        ([(16, b"a")], Pace(15)),
        ([(14, b"a")] * 3, Pace(15)),  # a byte now and then
        ([(1, b"a" * 100)] * 30, Pace(15)),
    ],
)
def test_a_body_that_pauses_or_only_drips_is_given_up(pieces: Sequence[tuple[float, bytes]], pace: Pace) -> None:
    with pytest.raises(UploadTimeout, match="no byte came for 15 seconds"):
        run(read(pieces, pace))


def test_what_may_be_waited_for() -> None:
    pace = Pace(15)
    assert pace.wait_s(0, 0) == 15
    assert pace.wait_s(10, 0) == 5
    assert pace.wait_s(20, 5000) == 5
    assert pace.wait_s(20, 10**6) == 15
    assert pace.wait_s(20, 0) < 0
