"""A client of a server: photos in, positions out."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from placefix.client.errors import ServerBusy
from placefix.client.exchange import (
    DEFAULT_PATIENCE_S,
    DEFAULT_TIMEOUT_S,
    LIST_MAPS,
    Patience,
    answer_of,
    content_of,
    options_of,
    request_of,
    thumbnail_request,
    unreachable,
)
from placefix.client.question import Photo, Question
from service.schemas.answer import LocalizationAnswer
from service.schemas.maps import MapList, ServedMap

Read = TypeVar("Read")

_read_answer = partial(answer_of, kind=LocalizationAnswer)
_read_maps = partial(answer_of, kind=MapList)


class Client:
    """Asks a server where photos were taken. Threads may share it.

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
        """Prepare; the server is not asked yet.

        Args:
            url: Of the server, as ``http://localhost:8000``; with the path where a proxy puts it below one.
            key: What ``placefix keys create`` has printed, if the server wants one.
            timeout_s: How long to wait for a connection, or for the next byte.
            patience_s: How long in all to wait for a server that says that it is busy, and to ask it again; 0 raises
                ``ServerBusy`` at once.
            transport: Instead of httpx's own: for proxies, certificates, or tests.

        Raises:
            InvalidInput: That is no address of a server, or no key.
        """
        self._http = httpx.Client(**options_of(url, key, timeout_s), transport=transport)
        self._patience_s = patience_s

    def localize(self, *photos: Photo, map: str | None = None, **question: Unpack[Question]) -> LocalizationAnswer:  # noqa: A002
        """Ask where a photo was taken, or several that belong together.

        Args:
            photos: One; or several, with ``together`` to say how they belong together.
            map: The name of the map to look in, where the server has several.
            question: See ``Question``.

        Raises:
            PhotoRefused: A photo cannot be used; ``code`` says why.
            KeyRefused: The server wants a key, or another one.
            ServerBusy: It cannot answer now.
            ServerProblem: It says why it does not answer.
            ServerUnreachable: Nothing answers there, or not in time.
            NotPlacefix: Something else answers there.
            ImageError: The file of a photo cannot be read.
            InvalidInput: No photo was given, or one is an address.
            TypeError: The question says something that there is not.
        """
        return self._ask(request_of(photos, map, question), _read_answer)

    def maps(self) -> list[ServedMap]:
        """Ask which maps the server has, by name; raises as ``localize`` does."""
        return self._ask(LIST_MAPS, _read_maps).maps

    def thumbnail(self, map: str, place_id: str) -> bytes:  # noqa: A002
        """Fetch the small JPEG of a picture of a map; raises as ``localize`` does.

        Args:
            map: The name of the map.
            place_id: The id of the picture, as ``candidates`` have it.
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
    """Asks a server as ``Client`` does, from an event loop.

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
        """Prepare; see ``Client``."""
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
        """Ask which maps the server has, by name; raises as ``localize`` does."""
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
