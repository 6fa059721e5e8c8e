"""The body of a request, within its limits of size and time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from service.body_budget import BodyLease
from service.errors import BodyTooLarge, MalformedBody, UploadTimeout

Model = TypeVar("Model", bound=BaseModel)


@asynccontextmanager
async def limited_body(
    request: Request, lease: BodyLease, max_bytes: int, timeout_s: float, advice: str
) -> AsyncIterator[AsyncGenerator[bytes, None]]:
    """The body in pieces; it has to be read within the block.

    Args:
        request: Whose body has not been read.
        lease: Grows to the announced length, or else with what arrives; the caller releases it.
        max_bytes: Of the body.
        timeout_s: Until the end of the block.
        advice: What to do about a body that is too large.

    Raises:
        BodyTooLarge: Announced, or as soon as it turns out.
        Overloaded: There is no room for it beside the bodies of other requests; likewise.
        UploadTimeout: It did not arrive in time.
    """
    try:
        async with asyncio.timeout(timeout_s), aclosing(_limited_stream(request, lease, max_bytes, advice)) as stream:
            yield stream
    except TimeoutError as error:
        raise UploadTimeout(f"the request's body did not arrive within {timeout_s:g} seconds") from error


async def read_json(request: Request, lease: BodyLease, model: type[Model], max_bytes: int, timeout_s: float) -> Model:
    """Reads a body that is a JSON document.

    It must be declared as one: a page of another site cannot make a browser send that without asking the service first,
    which says no.

    Raises:
        MalformedBody: It is declared as something else.
        BodyTooLarge: More bytes than allowed.
        UploadTimeout: It did not arrive in time.
        Overloaded: There is no room for it beside the bodies of other requests.
        RequestValidationError: It is no JSON, or does not fit the model.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise MalformedBody("send the document with the header 'Content-Type: application/json'")
    async with limited_body(request, lease, max_bytes, timeout_s, "the document takes no more") as stream:
        content = b"".join([chunk async for chunk in stream])
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error


async def _limited_stream(
    request: Request, lease: BodyLease, max_bytes: int, advice: str
) -> AsyncGenerator[bytes, None]:
    """The body in pieces.

    Starlette's own limit answers in plain text where the length is announced, and before a route has been found.
    """
    too_large = BodyTooLarge(f"the request's body is larger than {max_bytes} bytes; {advice}")
    announced_bytes = int(request.headers.get("content-length", "0"))  # a number: the server has made sure of that
    if announced_bytes > max_bytes:
        raise too_large
    lease.grow_to(announced_bytes)
    received_bytes = 0
    async with aclosing(request.stream()) as stream:
        async for chunk in stream:
            received_bytes += len(chunk)
            if received_bytes > max_bytes:
                raise too_large
            lease.grow_to(received_bytes)
            yield chunk
