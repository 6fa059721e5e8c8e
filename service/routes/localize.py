"""POST /localize: a photo in, a position out."""

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from model.errors import InvalidInput
from model.picture_errors import (
    CorruptImage,
    EmptyImage,
    ExtremeAspectRatio,
    ImageTooSmall,
    NotAnImage,
    TooManyPixels,
    UnsupportedImageFormat,
)
from place_map.errors import MapNotFound
from service import engine
from service.answer import build_answer
from service.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    InvalidParameter,
    MalformedBody,
    MissingImage,
    NotReady,
    Overloaded,
    SeveralImages,
    UploadTimeout,
)
from service.keys import Scope
from service.localizer import MAX_SHORTLIST, QueryDefaults, QueryOptions
from service.request_scope import request_id_of
from service.routes.access import require_scope
from service.routes.dependencies import RuntimeDependency
from service.routes.responses import problem_responses
from service.schemas import LocalizationAnswer, Timings
from service.stages import Stage
from service.uploads import PART_NAME, explain_other_body, read_image
from service.waiting import deadline_message

router = APIRouter(tags=["localize"], dependencies=[require_scope(Scope.READ)])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_REQUEST_BODY: dict[str, Any] = {
    "description": (
        "The picture, JPEG, PNG, WebP or AVIF: as one part of a form, or as the whole body. It is recognised by its "
        "bytes; its name and its declared type do not matter."
    ),
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {PART_NAME: {"type": "string", "format": "binary", "description": "The picture."}},
                "required": [PART_NAME],
            }
        },
        "image/jpeg": _BINARY,
        "image/png": _BINARY,
        "image/webp": _BINARY,
        "image/avif": _BINARY,
        "application/octet-stream": _BINARY,
    },
}


class LocalizeParameters(BaseModel):
    """The query string of POST /localize."""

    model_config = ConfigDict(extra="forbid")

    map: str | None = Field(default=None, description="Which map; needed if several are served.", examples=["lund"])
    candidates: int | None = Field(
        default=None, ge=1, le=MAX_SHORTLIST, description="How many candidates to return; by default 10."
    )
    shortlist: int | None = Field(
        default=None,
        ge=1,
        le=MAX_SHORTLIST,
        description="How many to re-rank, at least `candidates`; by default 100, and 20 where counting is slow.",
    )
    rerank: bool | None = Field(
        default=None, description="Whether to re-rank by local features; by default yes, if the network is trained."
    )


@router.post(
    "/localize",
    summary="Say where a photo was taken",
    response_model=LocalizationAnswer,
    response_description="The position of the best candidate, and the candidates with their evidence.",
    openapi_extra={"requestBody": _REQUEST_BODY},
    responses=problem_responses(
        MalformedBody,
        MapNotFound,
        UploadTimeout,
        BodyTooLarge,
        TooManyPixels,
        NotAnImage,
        UnsupportedImageFormat,
        MissingImage,
        SeveralImages,
        EmptyImage,
        CorruptImage,
        ImageTooSmall,
        ExtremeAspectRatio,
        InvalidParameter,
        NotReady,
        Overloaded,
        DeadlineExceeded,
    ),
)
async def localize(
    request: Request, parameters: Annotated[LocalizeParameters, Query()], runtime: RuntimeDependency
) -> JSONResponse:
    """Find the photo among the pictures of a map.

    The answer holds the evidence: each candidate with the number of local features that match, and the distance of the
    global features. The photo is neither stored nor logged.
    """
    with runtime.admit() as running, running.maps.reading(parameters.map) as version:
        options = _options(running.defaults, parameters)
        upload_start = time.perf_counter()
        data = await read_image(request, runtime.settings)
        start = time.perf_counter()
        runtime.metrics.upload_taken(start - upload_start)
        deadline = time.monotonic() + runtime.settings.deadline_s
        with runtime.reserve() as place:
            try:
                async with asyncio.timeout(runtime.settings.deadline_s):
                    image = await runtime.decoder.decode(data, version.localizer.preprocessing)
            except TimeoutError as error:
                raise DeadlineExceeded(deadline_message(runtime.settings.deadline_s)) from error
            except NotAnImage:
                explain_other_body(request, data, runtime.settings)
                raise
            decode_s = time.perf_counter() - start
            query = engine.Query(image, version.localizer, options)
            answered = await runtime.answer(place, query, version, request, deadline)
    seconds = {Stage.DECODE: decode_s, Stage.QUEUE: answered.queue_s, **answered.result.seconds}
    runtime.metrics.query_answered(seconds, answered.result.gathered_bytes)
    answer = build_answer(answered.result, seconds, time.perf_counter() - start, request_id_of(request.scope))
    return JSONResponse(answer.model_dump(mode="json"), headers=_headers(answer.timings_ms))


def _options(defaults: QueryDefaults, parameters: LocalizeParameters) -> QueryOptions:
    try:
        return defaults.options(parameters.candidates, parameters.shortlist, rerank=parameters.rerank)
    except InvalidInput as error:
        raise InvalidParameter(error.message) from error


def _headers(timings_ms: Timings) -> Mapping[str, str]:
    server_timing = ", ".join(f"{stage};dur={duration}" for stage, duration in timings_ms.model_dump().items())
    return {"Server-Timing": server_timing, "Cache-Control": "no-store"}
