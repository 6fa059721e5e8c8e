"""The load generator: requests are due at their time, and latency counts from then."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.load.client import Client, localize_request
from benchmarks.load.generator import closed_loop, open_loop

PICTURES = {"a.jpg": b"picture a", "b.jpg": b"picture b"}


@asynccontextmanager
async def server(delay_s: float = 0.0, refuse_after: int = 10**6) -> AsyncIterator[str]:
    """Answer each picture with its own name, one after the other."""
    turn, asked = asyncio.Lock(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            content = await reader.readexactly(length)
            asked += 1
            status, body = (200, _answer(content)) if asked <= refuse_after else (503, b"{}")
            if status == 200:
                async with turn:
                    await asyncio.sleep(delay_s)
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with running:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"


def _answer(content: bytes) -> bytes:
    name = f"{content.decode()[-1]}.jpg"
    return json.dumps(
        {"candidates": [{"id": name}], "timings_ms": {"total": 5.0, "encode": 1.0, "rerank": None}}
    ).encode()


def test_an_open_loop_keeps_its_rate_while_the_server_is_slow() -> None:
    async def run() -> None:
        async with server(delay_s=0.02) as url:
            outcome = await open_loop(url, PICTURES, rate=100, duration_s=0.5)
            assert outcome.statuses == {200: 50}
            assert outcome.wrong == 0
            # The server answers 50 a second: the last request, due after half a second, waits for half a second.
            assert max(outcome.latencies_s) > 0.3
            assert outcome.overhead_s[0] == pytest.approx(outcome.latencies_s[0] - 0.001)

    asyncio.run(run())


def test_refusals_and_wrong_answers_are_counted() -> None:
    async def run() -> None:
        async with server(refuse_after=7) as url:
            outcome = await closed_loop(url, PICTURES | {"c.jpg": b"picture a"}, clients=3, duration_s=0.2)
            assert outcome.statuses[200] == 7
            assert outcome.statuses[503] == len(outcome.refused_s) > 0
            assert outcome.wrong > 0

    asyncio.run(run())


def test_a_server_that_is_not_there_is_no_answer() -> None:
    async def run() -> None:
        outcome = await open_loop("http://127.0.0.1:9", PICTURES, rate=50, duration_s=0.1)
        assert outcome.statuses == {0: 5}
        assert outcome.percentile_ms(50) is None

    asyncio.run(run())


def test_connections_are_used_again() -> None:
    async def run() -> None:
        async with server() as url:
            client = Client("127.0.0.1", int(url.rsplit(":", 1)[1]))
            for _ in range(5):
                response = await client.ask(localize_request("x", b"picture a"))
                assert (response.status, json.loads(response.body)["candidates"][0]["id"]) == (200, "a.jpg")
            assert len(client._all) == 1
            await client.close()

    asyncio.run(run())
