"""Tiles from another server, which is a real one on this machine."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from model.errors import InvalidInput
from service.basemap import fetched_tiles
from service.basemap.fetched_tiles import KEPT_S, FetchedTiles
from service.errors import BasemapFailed
from tests.service.basemap.tiles import picture

TILE = picture()


class TileServer(BaseHTTPRequestHandler):
    """Answer each zoom in its own way: 1 with a tile, 2 with none, and so on."""

    asked: ClassVar[list[tuple[str, dict[str, str]]]] = []
    release: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        self.asked.append((self.path, dict(self.headers)))
        zoom = int(self.path.split("/")[1])
        if zoom == 2:
            self.answer(404, b"none")
        elif zoom == 3:
            self.answer(302, b"", {"Location": f"http://127.0.0.1:{self.server.server_port}/1/0/0.png"})  # type: ignore[attr-defined]
        elif zoom == 4:
            self.answer(200, b"<html>please log in</html>", {"Content-Type": "image/png"})
        elif zoom == 5:
            self.answer(200, TILE + bytes(3_000_000))
        elif zoom == 6:
            self.answer(500, b"")
        elif zoom == 7:
            self.release.wait(60)
            self.answer(200, TILE)
        else:
            self.answer(200, TILE, {"Content-Type": "text/plain"})

    def answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(content)
        except OSError:
            self.close_connection = True  # the client had enough

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    TileServer.asked.clear()
    TileServer.release.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), TileServer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{{z}}/{{x}}/{{y}}.png"
    finally:
        TileServer.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def use(address: str, act: Callable[[FetchedTiles], Awaitable[None]], clock: Callable[[], float] = lambda: 0.0) -> None:
    async def run() -> None:
        tiles = FetchedTiles(address, "© Example", 19, "1.2.3", clock)
        try:
            await act(tiles)
        finally:
            await tiles.close()

    asyncio.run(run())


def test_a_tile_is_fetched_once_and_kept_for_a_week(address: str) -> None:
    now = 0.0

    async def act(tiles: FetchedTiles) -> None:
        nonlocal now
        several = await asyncio.gather(*(tiles.tile(1, 0, 1) for _ in range(5)))
        assert [each.content for each in several if each is not None] == [TILE] * 5
        assert several[0] is not None
        assert several[0].media_type == "image/png"  # by its bytes
        assert await tiles.tile(2, 0, 0) is None
        assert await tiles.tile(2, 0, 0) is None
        assert [path for path, _ in TileServer.asked] == ["/1/0/1.png", "/2/0/0.png"]
        now = KEPT_S + 1
        await tiles.tile(1, 0, 1)
        assert len(TileServer.asked) == 3

    use(address, act, lambda: now)


def test_nothing_of_a_request_goes_to_the_server_and_no_redirect_is_followed(address: str) -> None:
    async def act(tiles: FetchedTiles) -> None:
        await tiles.tile(1, 1, 1)
        with pytest.raises(BasemapFailed, match="302"):
            await tiles.tile(3, 0, 0)
        assert [path for path, _ in TileServer.asked] == ["/1/1/1.png", "/3/0/0.png"]
        sent = {name.lower(): value for name, value in TileServer.asked[0][1].items()}
        assert sent.pop("host").startswith("127.0.0.1")
        assert sent == {
            "user-agent": "placefix/1.2.3",
            "accept": "image/*",
            "accept-encoding": "identity",
            "connection": "keep-alive",
        }

    use(address, act)


@pytest.mark.parametrize(
    ("zoom", "says"), [(4, "something else than a picture"), (5, "more than 2000000 bytes"), (6, "answered 500")]
)
def test_what_is_no_tile_is_refused(zoom: int, says: str, address: str) -> None:
    async def act(tiles: FetchedTiles) -> None:
        for _ in range(2):  # and not kept
            with pytest.raises(BasemapFailed, match=says):
                await tiles.tile(zoom, 0, 0)
        assert len(TileServer.asked) == 2

    use(address, act)


def test_a_server_that_hangs_or_is_away_is_given_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_tiles, "LONGEST_FETCH_S", 0.2)

    async def act(tiles: FetchedTiles) -> None:
        with pytest.raises(BasemapFailed, match="does not answer"):
            await tiles.tile(7, 0, 0)

    use(address, act)
    use("http://127.0.0.1:9/{z}/{x}/{y}", act)


def test_the_memory_for_tiles_is_limited(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_tiles, "MAX_CACHE_BYTES", 3 * (len(TILE) + 1000))

    async def act(tiles: FetchedTiles) -> None:
        for x in (0, 1, 2, 0, 3):  # the tile 1 is the one that was not used for longest
            await tiles.tile(1, x, 0)
        TileServer.asked.clear()
        for x in (0, 2, 3):
            await tiles.tile(1, x, 0)
        assert TileServer.asked == []
        await tiles.tile(1, 1, 0)
        assert len(TileServer.asked) == 1

    use(address, act)


@pytest.mark.parametrize(
    "wrong",
    [
        "https://tiles.example.org/{z}/{x}.png",
        "https://{x}.example.org/{z}/{y}.png",
        "https://user:word@tiles.example.org/{z}/{x}/{y}",
        "ftp://tiles.example.org/{z}/{x}/{y}",
        "file:///{z}/{x}/{y}",
        "https:///{z}/{x}/{y}",
    ],
)
def test_an_address_that_is_none_of_tiles_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInput, match="base map"):
        FetchedTiles(wrong, "© Example", 19, "1")


def test_tiles_of_others_need_an_attribution() -> None:
    with pytest.raises(InvalidInput, match="PLACEFIX_BASEMAP_ATTRIBUTION"):
        FetchedTiles("https://tiles.example.org/{z}/{x}/{y}", " ", 19, "1")
