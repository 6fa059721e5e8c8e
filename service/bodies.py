"""Read the body of a request, within its limits of size and pace."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from service.body_budget import BodyLease
from service.errors import BodyTooLarge, MalformedBody, UploadTimeout
from service.parameters import parameter_errors
from service.settings import ServiceSettings

_MIN_BYTES_PER_S = 500  # far less than a phone on a bad line sends

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Pace:
    """Set the least pace of a body; its total time has no limit: a phone on a bad line needs long.

    Attributes:
        longest_pause_s: The longest time without a byte.
        min_bytes_per_s: The least average after the first pause of ``longest_pause_s``.
    """

    longest_pause_s: float
    min_bytes_per_s: int = _MIN_BYTES_PER_S

    @classmethod
    def of(cls, settings: ServiceSettings) -> "Pace":
        """Return the pace that the settings ask for."""
        return cls(settings.upload_timeout_s)

    def wait_s(self, elapsed_s: float, received_bytes: int) -> float:
        """Return how long to wait for the next byte; 0 or less if the body has been too slow so far."""
        allowed_s = self.longest_pause_s + received_bytes / self.min_bytes_per_s
        return min(self.longest_pause_s, allowed_s - elapsed_s)


async def limited_body(
    request: Request, lease: BodyLease, max_bytes: int, pace: Pace, advice: str
) -> AsyncGenerator[bytes, None]:
    """Yield the body in pieces.

    Starlette's own limit answers a too large announced length in plain text, before it finds a route.

    Args:
        request: The request, whose body has not been read.
        lease: The lease, which grows to the announced length, or with the bytes that arrive; the caller releases it.
        max_bytes: The most bytes of the body.
        pace: The least pace.
        advice: The advice to a client whose body is too large.

    Raises:
        BodyTooLarge: The body announces too many bytes, or has them.
        Overloaded: The body announces or has more bytes than there is room for beside other bodies.
        UploadTimeout: The body pauses, or comes too slowly.
    """
    too_large = BodyTooLarge(f"the request's body is larger than {max_bytes} bytes; {advice}")
    announced_bytes = int(request.headers.get("content-length", "0"))  # a number, as the server has checked
    if announced_bytes > max_bytes:
        raise too_large
    lease.grow_to(announced_bytes)
    received_bytes = 0
    clock = asyncio.get_running_loop().time
    start = clock()
    async with aclosing(request.stream()) as stream:
        while True:
            try:
                async with asyncio.timeout(pace.wait_s(clock() - start, received_bytes)):
                    chunk = await anext(stream, None)
            except TimeoutError as error:
                raise UploadTimeout(_too_slow(pace)) from error
            if chunk is None:
                return
            received_bytes += len(chunk)
            if received_bytes > max_bytes:
                raise too_large
            lease.grow_to(received_bytes)
            yield chunk


async def read_json(request: Request, lease: BodyLease, model: type[Model], max_bytes: int, pace: Pace) -> Model:
    """Read a body that is a JSON document.

    It must be declared as one: a browser does not send it for a page of another site without asking the service first,
    which refuses.

    Raises:
        MalformedBody: The body is declared as another type.
        BodyTooLarge: The body has too many bytes.
        UploadTimeout: The body pauses, or comes too slowly.
        Overloaded: There is no room for the body beside the bodies of other requests.
        RequestValidationError: The body is not JSON, or does not fit the model.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise MalformedBody("send the document with the header 'Content-Type: application/json'")
    async with aclosing(limited_body(request, lease, max_bytes, pace, "the document takes no more")) as stream:
        content = b"".join([chunk async for chunk in stream])
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise RequestValidationError(parameter_errors(error, model)) from error


def _too_slow(pace: Pace) -> str:
    return (
        f"the request's body did not go on: no byte came for {pace.longest_pause_s:g} seconds, or fewer than "
        f"{pace.min_bytes_per_s} bytes a second since it began"
    )
