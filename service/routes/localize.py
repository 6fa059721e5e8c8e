"""POST /localize: a photo in, a position out."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from model.picture_errors import (
    CorruptExif,
    CorruptImage,
    EmptyImage,
    ExtremeAspectRatio,
    ImageError,
    ImageTooSmall,
    NoExifPosition,
    NotAnImage,
    TooManyPixels,
    UnsupportedImageFormat,
)
from place_map.errors import MapCorrupt, MapNotFound
from service import engine
from service.accepted_types import is_preferred
from service.answer import build_answer
from service.asked import Asked
from service.body_advice import explain_other_body, is_form
from service.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    InvalidParameter,
    MalformedBody,
    MissingImage,
    NotReady,
    Overloaded,
    SeveralImages,
    ShardUnavailable,
    UploadTimeout,
)
from service.fusion import fuse
from service.geojson import GEOJSON_MEDIA_TYPE, as_geojson
from service.keys import Scope
from service.localizer import Localizer
from service.request_scope import request_id_of
from service.routes.access import require_scope
from service.routes.dependencies import KNOWN_PARAMETERS_ONLY, RuntimeDependency
from service.routes.localize_parameters import LocalizeParameters, with_fields
from service.routes.picture_bodies import upload_body
from service.routes.responses import problem_responses
from service.runtime import Runtime
from service.schemas.answer import LocalizationAnswer, Timings
from service.schemas.geojson import FeatureCollection
from service.stages import Stage
from service.uploads import read_upload
from service.waiting import wait_for_all

_JSON_MEDIA_TYPE = "application/json"

router = APIRouter(tags=["localize"], dependencies=[require_scope(Scope.READ), KNOWN_PARAMETERS_ONLY])


@router.post(
    "/localize",
    summary="Say where a photo was taken",
    response_model=LocalizationAnswer,
    openapi_extra={"requestBody": upload_body(LocalizeParameters)},
    responses={
        200: {
            "description": (
                "The position of the best candidate, and the candidates with their evidence. As GeoJSON it holds "
                "a feature for the answer and one for each candidate, without the parts of single photos, the evidence "
                "of the answer, and timings."
            ),
            "content": {GEOJSON_MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{FeatureCollection.__name__}"}}},
        },
        **problem_responses(
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
            CorruptExif,
            NoExifPosition,
            ImageTooSmall,
            ExtremeAspectRatio,
            InvalidParameter,
            MapCorrupt,
            NotReady,
            Overloaded,
            ShardUnavailable,
            DeadlineExceeded,
        ),
    },
)
async def localize(
    request: Request, parameters: Annotated[LocalizeParameters, Query()], runtime: RuntimeDependency
) -> JSONResponse:
    """Find the photo among the pictures of a map; or several photos that belong together, with `together`.

    The answer says how sure it is: a status, the probability that the position is right, and a radius. It holds the
    evidence: each candidate with the number of local features that match, and the distance of the global features. With
    `Accept: application/geo+json` it is GeoJSON. The service does not store or log the photo.
    """
    settings = runtime.settings
    with runtime.admit() as running, runtime.body_budget.lease() as lease:
        parameters.options(running.defaults)
        if parameters.map is not None or not is_form(request):  # a form may name the map itself
            running.maps.check_answers(parameters.map)
        upload_start = time.perf_counter()
        upload = await read_upload(request, lease, settings)
        start = time.perf_counter()
        runtime.metrics.upload_taken(start - upload_start)
        parameters, photos = with_fields(parameters, upload.fields), len(upload.pictures)
        asked = parameters.asked(running.defaults, photos)
        wants_geojson = is_preferred(GEOJSON_MEDIA_TYPE, _JSON_MEDIA_TYPE, ", ".join(request.headers.getlist("accept")))
        if wants_geojson and asked.options.evidence is not None:
            raise InvalidParameter("GeoJSON cannot hold evidence: leave it out, or ask for application/json")
        if photos > 1 and asked.together is None:
            raise SeveralImages(
                f"the form has {photos} pictures: say with together=place or together=sequence how they belong "
                "together, or send one at a time"
            )
        with (
            runtime.answering_from(parameters.map) as version,
            runtime.queue.reserve(settings.deadline_s, photos) as submit,
        ):
            localizer = version.localizer
            try:
                async with asyncio.timeout(settings.deadline_s):
                    queries = await _decode(runtime, localizer, upload.pictures, asked)
            except TimeoutError as error:
                raise DeadlineExceeded.after(settings.deadline_s) from error
            except NotAnImage:
                explain_other_body(request, upload.pictures[0])
                raise
            decode_s = time.perf_counter() - start
            del upload
            lease.release()
            queue_start = time.perf_counter()
            tickets = submit(*queries)
            for ticket in tickets:
                version.retain()  # until the device has finished the query, even if the client does not wait for it
                ticket.future.add_done_callback(lambda _: version.release())
            found = await wait_for_all(tickets, request.receive, settings.deadline_s)
            queue_s = time.perf_counter() - queue_start
            if asked.together is None:
                [localization] = found
            else:
                fusion = partial(fuse, localizer, found, asked.together, asked.options)
                localization = await runtime.decoder.call(fusion)
            queue_s -= sum(localization.seconds.values())
    seconds = {Stage.DECODE: decode_s, Stage.QUEUE: max(0.0, queue_s), **localization.seconds}
    runtime.metrics.query_answered(localization, seconds)
    answer = build_answer(localization, seconds, time.perf_counter() - start, request_id_of(request.scope))
    headers = _headers(answer.timings_ms)
    if wants_geojson:
        features = as_geojson(answer).model_dump(mode="json")
        return JSONResponse(features, headers=headers, media_type=GEOJSON_MEDIA_TYPE)
    return JSONResponse(answer.model_dump(mode="json"), headers=headers)


async def _decode(
    runtime: Runtime, localizer: Localizer, pictures: Sequence[bytes], asked: Asked
) -> list[engine.Query]:
    """Make a query of each picture, on the decoders' threads.

    Raises:
        ImageError: A picture cannot be used; the message numbers it if there are several.
    """

    async def decode(number: int, picture: bytes) -> engine.Query:
        try:
            image, options = await runtime.decoder.decode(picture, localizer.preparation, asked)
        except ImageError as error:
            if len(pictures) == 1:
                raise
            raise type(error)(f"picture {number} of {len(pictures)}: {error.message}") from error
        return engine.Query(image, localizer, options)

    decodings = [asyncio.ensure_future(decode(*numbered)) for numbered in enumerate(pictures, start=1)]
    try:
        return await asyncio.gather(*decodings)
    finally:
        for decoding in decodings:
            decoding.cancel()


def _headers(timings_ms: Timings) -> Mapping[str, str]:
    server_timing = ", ".join(f"{stage};dur={duration}" for stage, duration in timings_ms.model_dump().items())
    return {"Server-Timing": server_timing, "Cache-Control": "no-store"}
