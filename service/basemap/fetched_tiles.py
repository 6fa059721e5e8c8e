"""Fetch tiles from the one other server that the operator names, and keep them within bounds."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from model.errors import InvalidInput
from service.basemap.credits import read_credits
from service.basemap.tile import MAX_TILE_BYTES, Tile, as_tile
from service.errors import BasemapFailed

MAX_CACHE_BYTES = 128_000_000
KEPT_S = 7 * 86_400
LONGEST_FETCH_S = 15.0
MOST_FETCHES = 6  # at a time

_PLACEHOLDERS = ("{z}", "{x}", "{y}")
_LEAST_BYTES = 1000  # the least size of an entry in the cache, also of an absent tile


@dataclass(frozen=True, slots=True)
class _Kept:
    tile: Tile | None
    until: float

    @property
    def size(self) -> int:
        return _LEAST_BYTES + (0 if self.tile is None else len(self.tile.content))


class FetchedTiles:
    """Fetch and keep the tiles of another server.

    It sends nothing of a client's request: no header, no address, no key. It follows no redirects, refuses content that
    is not a picture whatever its type says, and limits the bytes and seconds of a tile.
    """

    min_zoom = 0

    def __init__(
        self,
        address: str,
        attribution: str | None,
        max_zoom: int,
        release: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with an empty cache; nothing is fetched yet.

        Args:
            address: The address of a tile, such as ``https://tiles.example.org/{z}/{x}/{y}.png``.
            attribution: The names of the owners of the tiles.
            max_zoom: The finest zoom that the server has.
            release: The release of this service, for a header of requests.
            clock: A clock that returns seconds since any beginning.

        Raises:
            InvalidInput: The address is not an address of tiles, or the attribution is missing.
        """
        _check(address)
        if not (attribution or "").strip():
            raise InvalidInput(
                "tiles of another server need the names of their owners: give PLACEFIX_BASEMAP_ATTRIBUTION"
            )
        self.max_zoom = max_zoom
        self.credits = read_credits(attribution or "")
        self._address = address
        self._clock = clock
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            timeout=LONGEST_FETCH_S,
            limits=httpx.Limits(max_connections=MOST_FETCHES),
            headers={"User-Agent": f"placefix/{release}", "Accept": "image/*", "Accept-Encoding": "identity"},
        )
        self._kept: OrderedDict[tuple[int, int, int], _Kept] = OrderedDict()  # least recently used first
        self._kept_bytes = 0
        self._coming: dict[tuple[int, int, int], asyncio.Task[Tile | None]] = {}

    async def tile(self, z: int, x: int, y: int) -> Tile | None:
        """Return a tile, as ``Basemap`` says."""
        key = (z, x, y)
        kept = self._kept.get(key)
        if kept is not None and kept.until > self._clock():
            self._kept.move_to_end(key)
            return kept.tile
        task = self._coming.get(key)
        if task is None:
            task = self._coming[key] = asyncio.create_task(self._fetch(key))
            task.add_done_callback(lambda done: self._arrived(key, done))
        return await asyncio.shield(task)  # others may wait for it

    async def close(self) -> None:
        """Close all connections."""
        for task in list(self._coming.values()):
            task.cancel()
        await self._client.aclose()

    async def _fetch(self, key: tuple[int, int, int]) -> Tile | None:
        address = self._address
        for placeholder, number in zip(_PLACEHOLDERS, key, strict=True):
            address = address.replace(placeholder, str(number))
        try:
            async with asyncio.timeout(LONGEST_FETCH_S), self._client.stream("GET", address) as response:
                if response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.NO_CONTENT, httpx.codes.GONE):
                    tile = None
                elif response.status_code != httpx.codes.OK:
                    raise BasemapFailed(f"the server of the base map answered {response.status_code}")
                else:
                    tile = as_tile(await _read(response))
                    if tile is None:
                        raise BasemapFailed("the server of the base map sent something else than a picture")
        except (httpx.HTTPError, TimeoutError) as error:
            raise BasemapFailed(f"the server of the base map does not answer: {type(error).__name__}") from error
        self._keep(key, _Kept(tile, self._clock() + KEPT_S))
        return tile

    def _arrived(self, key: tuple[int, int, int], task: "asyncio.Task[Tile | None]") -> None:
        del self._coming[key]
        if not task.cancelled():
            task.exception()  # mark it as read: the clients that wait have it, and there may be none

    def _keep(self, key: tuple[int, int, int], kept: _Kept) -> None:
        if (before := self._kept.pop(key, None)) is not None:
            self._kept_bytes -= before.size
        self._kept[key] = kept
        self._kept_bytes += kept.size
        while self._kept_bytes > MAX_CACHE_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= oldest.size


async def _read(response: httpx.Response) -> bytes:
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > MAX_TILE_BYTES:
            raise BasemapFailed(f"the server of the base map sent more than {MAX_TILE_BYTES} bytes for a tile")
    return bytes(content)


def _check(address: str) -> None:
    advice = "give an address as https://tiles.example.org/{z}/{x}/{y}.png, or a file NAME.pmtiles"
    try:
        url = httpx.URL(address.replace("{z}", "0").replace("{x}", "0").replace("{y}", "0"))
    except httpx.InvalidURL as error:
        raise InvalidInput(f"the base map is not an address: {error}; {advice}") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise InvalidInput(f"the base map is not an address of tiles; {advice}")
    host_end = address.find("/", address.find("//") + 2)
    if any(address.find(placeholder) < host_end or placeholder not in address for placeholder in _PLACEHOLDERS):
        raise InvalidInput("the address of the base map needs {z}, {x} and {y} behind its host; " + advice)
