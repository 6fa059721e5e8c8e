"""The body of a request, within its limits of size and pace."""

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

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Pace:
    """How slowly a body may come; for how long, nothing says: a phone on a bad line takes its time.

    Attributes:
        longest_pause_s: Without a byte.
        min_bytes_per_s: Of what is there after the first such pause, on average; 0 sets no least.
    """

    longest_pause_s: float
    min_bytes_per_s: int

    @classmethod
    def of(cls, settings: ServiceSettings) -> "Pace":
        """Return the pace that the settings ask for."""
        return cls(settings.upload_timeout_s, settings.min_upload_bytes_per_s)

    def wait_s(self, elapsed_s: float, received_bytes: int) -> float:
        """Return how long to wait for the next byte; 0 or less if the body has come too slowly so far."""
        if not self.min_bytes_per_s:
            return self.longest_pause_s
        allowed_s = self.longest_pause_s + received_bytes / self.min_bytes_per_s
        return min(self.longest_pause_s, allowed_s - elapsed_s)


async def limited_body(
    request: Request, lease: BodyLease, max_bytes: int, pace: Pace, advice: str
) -> AsyncGenerator[bytes, None]:
    """Yield the body in pieces.

    Starlette's own limit answers in plain text where the length is announced, and before a route has been found.

    Args:
        request: Whose body has not been read.
        lease: Grows to the announced length, or else with what arrives; the caller releases it.
        max_bytes: Of the body.
        pace: How slowly it may come.
        advice: What to do about a body that is too large.

    Raises:
        BodyTooLarge: Announced, or as soon as it turns out.
        Overloaded: There is no room for it beside the bodies of other requests; likewise.
        UploadTimeout: It pauses, or comes too slowly.
    """
    too_large = BodyTooLarge(f"the request's body is larger than {max_bytes} bytes; {advice}")
    announced_bytes = int(request.headers.get("content-length", "0"))  # a number: the server has made sure of that
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
    """Reads a body that is a JSON document.

    It must be declared as one: a page of another site cannot make a browser send that without asking the service first,
    which says no.

    Raises:
        MalformedBody: It is declared as something else.
        BodyTooLarge: More bytes than allowed.
        UploadTimeout: It pauses, or comes too slowly.
        Overloaded: There is no room for it beside the bodies of other requests.
        RequestValidationError: It is no JSON, or does not fit the model.
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
    sentence = f"the request's body did not go on: no byte came for {pace.longest_pause_s:g} seconds"
    if pace.min_bytes_per_s:
        sentence += f", or fewer than {pace.min_bytes_per_s} bytes a second since it began"
    return sentence
