"""A client of a server: photos in, positions out."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from model.errors import InvalidInput
from placefix.client.errors import ServerBusy
from placefix.client.exchange import (
    DEFAULT_PATIENCE_S,
    DEFAULT_TIMEOUT_S,
    LIST_MAPS,
    LIST_SHARDS,
    Patience,
    activation_request,
    answer_of,
    content_of,
    options_of,
    request_of,
    thumbnail_request,
    unreachable,
)
from placefix.client.question import Photo, Question
from service.schemas.answer import LocalizationAnswer
from service.schemas.maps import MapList, MapSummary, ServedMap
from service.schemas.shards import ShardAnswer, ShardList

Read = TypeVar("Read")

_read_answer = partial(answer_of, kind=LocalizationAnswer)
_read_maps = partial(answer_of, kind=MapList)
_read_shards = partial(answer_of, kind=ShardList)
_read_summary = partial(answer_of, kind=MapSummary)


class Client:
    """Ask a server where photos were taken. Threads may share a client.

    Example::

        with Client("http://localhost:8000") as client:
            answer = client.localize("photo.jpg")
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        patience_s: float = DEFAULT_PATIENCE_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare the client; the server is not asked yet.

        Args:
            url: The address of the server, such as ``http://localhost:8000``, with the path that a proxy adds.
            key: The key that ``placefix keys create`` has printed, if the server requires one.
            timeout_s: Seconds to wait for a connection, or for the next byte.
            patience_s: Seconds in all to wait for a busy server and to ask it again; 0 raises ``ServerBusy`` at once.
            transport: A replacement of httpx's transport, for proxies, certificates, or tests.

        Raises:
            InvalidInput: The address or the key is not valid.
        """
        self._http = httpx.Client(**options_of(url, key, timeout_s), transport=transport)
        self._patience_s = patience_s

    def localize(self, *photos: Photo, map: str | None = None, **question: Unpack[Question]) -> LocalizationAnswer:  # noqa: A002
        """Ask where a photo was taken, or several that belong together.

        Args:
            photos: One photo; or several, with ``together`` to say how they belong together.
            map: The name of the map, if the server has several.
            question: The options of the question; see ``Question``.

        Raises:
            PhotoRefused: A photo cannot be used; ``code`` says why.
            KeyRefused: The server requires a key, or another one.
            ServerBusy: The server cannot answer now.
            ServerProblem: The server says why it does not answer.
            ServerUnreachable: Nothing answers at the address, or not in time.
            NotPlacefix: Something else answers at the address.
            ImageError: The file of a photo cannot be read.
            InvalidInput: No photo was given, or one is an address.
            TypeError: The question has an unknown option.
        """
        return self._ask(request_of(photos, map, question), _read_answer)

    def maps(self) -> list[ServedMap]:
        """Ask for the maps of the server, by name; raise the errors of ``localize``."""
        return self._ask(LIST_MAPS, _read_maps).maps

    def only_map(self) -> str:
        """Ask for the name of the only map of the server; raise the errors of ``localize``.

        Raises:
            InvalidInput: The server has several maps.
        """
        names = [served.name for served in self.maps()]
        if len(names) != 1:
            raise InvalidInput(f"the server has {len(names)} maps: say which with --map: {', '.join(names)}")
        return names[0]

    def shards(self) -> list[ShardAnswer]:
        """Ask for the shards of a front end; none if the server is not one. Raise the errors of ``localize``."""
        return self._ask(LIST_SHARDS, _read_shards).shards

    def activate(self, map: str, version: str, shards: int | None = None) -> MapSummary:  # noqa: A002
        """Have a version of a map served; raise the errors of ``localize``.

        Args:
            map: The name of the map.
            version: The number of the version.
            shards: The number of shards among which a front end shares it out; None for as many as now.
        """
        return self._ask(activation_request(map, version, shards), _read_summary)

    def thumbnail(self, map: str, place_id: str) -> bytes:  # noqa: A002
        """Fetch the small JPEG of a picture of a map; raise the errors of ``localize``.

        Args:
            map: The name of the map.
            place_id: The id of the picture, as in ``candidates``.
        """
        return self._ask(thumbnail_request(map, place_id), content_of)

    def _ask(self, request: Mapping[str, Any], read: Callable[[httpx.Response], Read]) -> Read:
        patience = Patience(self._patience_s)
        while True:
            try:
                return read(self._http.request(**request))
            except httpx.HTTPError as error:
                raise unreachable(error, self._http.base_url) from error
            except ServerBusy as busy:
                time.sleep(patience.wait_s(busy))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """Ask a server from an event loop, as ``Client`` does from threads.

    Example::

        async with AsyncClient("http://localhost:8000") as client:
            answer = await client.localize("photo.jpg")
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        patience_s: float = DEFAULT_PATIENCE_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare the client; see ``Client``."""
        self._http = httpx.AsyncClient(**options_of(url, key, timeout_s), transport=transport)
        self._patience_s = patience_s

    async def localize(
        self,
        *photos: Photo,
        map: str | None = None,  # noqa: A002
        **question: Unpack[Question],
    ) -> LocalizationAnswer:
        """Ask where a photo was taken, or several that belong together; see ``Client.localize``."""
        request = await asyncio.to_thread(request_of, photos, map, question)
        return await self._ask(request, _read_answer)

    async def maps(self) -> list[ServedMap]:
        """Ask for the maps of the server, by name; raise the errors of ``localize``."""
        return (await self._ask(LIST_MAPS, _read_maps)).maps

    async def thumbnail(self, map: str, place_id: str) -> bytes:  # noqa: A002
        """Fetch the small JPEG of a picture of a map; see ``Client.thumbnail``."""
        return await self._ask(thumbnail_request(map, place_id), content_of)

    async def _ask(self, request: Mapping[str, Any], read: Callable[[httpx.Response], Read]) -> Read:
        patience = Patience(self._patience_s)
        while True:
            try:
                return read(await self._http.request(**request))
            except httpx.HTTPError as error:
                raise unreachable(error, self._http.base_url) from error
            except ServerBusy as busy:
                await asyncio.sleep(patience.wait_s(busy))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
