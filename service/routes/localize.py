"""POST /localize: a photo in, a position out."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

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
from place_map.errors import MapCorrupt, MapNotFound
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
from service.parameters import parameter_errors, wrong_names
from service.query_options import MAX_SHORTLIST, QueryDefaults, QueryOptions, Rerank, rerank_word
from service.request_scope import request_id_of
from service.routes.access import require_scope
from service.routes.dependencies import KNOWN_PARAMETERS_ONLY, RuntimeDependency
from service.routes.picture_bodies import upload_body
from service.routes.responses import problem_responses
from service.schemas import LocalizationAnswer, Timings
from service.stages import Stage
from service.uploads import explain_other_body, is_form, read_upload

router = APIRouter(tags=["localize"], dependencies=[require_scope(Scope.READ), KNOWN_PARAMETERS_ONLY])


RerankWord = Annotated[
    Rerank,
    BeforeValidator(rerank_word),
    WithJsonSchema({"type": "string", "enum": ["auto", "true", "false"]}),
]


class LocalizeParameters(BaseModel):
    """What may be said about a picture: in the query string of POST /localize, or in fields of its form."""

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
    rerank: RerankWord | None = Field(
        default=None,
        description=(
            "Whether to re-rank by local features: auto, the default, compares candidates until the answer is sure; "
            "true compares all of them, false none."
        ),
    )
    max_wrong: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="The share of answers called localized that may be wrong; by default 0.05.",
        examples=[0.05],
    )
    min_confidence: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The least confidence of an answer called localized, besides.",
        examples=[0.9],
    )


@router.post(
    "/localize",
    summary="Say where a photo was taken",
    response_model=LocalizationAnswer,
    response_description="The position of the best candidate, and the candidates with their evidence.",
    openapi_extra={"requestBody": upload_body(LocalizeParameters)},
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
        MapCorrupt,
        NotReady,
        Overloaded,
        DeadlineExceeded,
    ),
)
async def localize(
    request: Request, parameters: Annotated[LocalizeParameters, Query()], runtime: RuntimeDependency
) -> JSONResponse:
    """Find the photo among the pictures of a map.

    The answer says how sure it is: a status, the probability that the position is right, and a radius. It holds the
    evidence: each candidate with the number of local features that match, and the distance of the global features. The
    photo is neither stored nor logged.
    """
    settings = runtime.settings
    with runtime.admit() as running, runtime.body_budget.lease() as lease:
        _options(running.defaults, parameters)
        if parameters.map is not None or not is_form(request):  # a form may name the map itself
            running.maps.check_answers(parameters.map)
        upload_start = time.perf_counter()
        upload = await read_upload(request, lease, settings)
        start = time.perf_counter()
        runtime.metrics.upload_taken(start - upload_start)
        parameters = _with_fields(parameters, upload.fields)
        options = _options(running.defaults, parameters)
        with runtime.answering_from(parameters.map) as version, runtime.queue.reserve(settings.deadline_s) as submit:
            try:
                async with asyncio.timeout(settings.deadline_s):
                    image = await runtime.decoder.decode(upload.picture, version.localizer.preparation)
            except TimeoutError as error:
                raise DeadlineExceeded.after(settings.deadline_s) from error
            except NotAnImage:
                explain_other_body(request, upload.picture, settings)
                raise
            decode_s = time.perf_counter() - start
            del upload
            lease.release()
            queue_start = time.perf_counter()
            ticket = submit(engine.Query(image, version.localizer, options))
            version.retain()  # until the device is done with the query, even if the client does not wait for that
            ticket.future.add_done_callback(lambda _: version.release())
            localization = await ticket.wait(request.receive, settings.deadline_s)
            queue_s = time.perf_counter() - queue_start - sum(localization.seconds.values())
    seconds = {Stage.DECODE: decode_s, Stage.QUEUE: queue_s, **localization.seconds}
    runtime.metrics.query_answered(localization, seconds)
    answer = build_answer(localization, seconds, time.perf_counter() - start, request_id_of(request.scope))
    return JSONResponse(answer.model_dump(mode="json"), headers=_headers(answer.timings_ms))


def _with_fields(parameters: LocalizeParameters, fields: Sequence[tuple[str, str]]) -> LocalizeParameters:
    """Put the parameters of the address and those in fields of the form together.

    Raises:
        RequestValidationError: A field is unknown, given twice, or does not fit.
        InvalidParameter: Address and form differ.
    """
    if errors := wrong_names(fields, LocalizeParameters.model_fields):
        raise RequestValidationError(errors)
    try:
        of_form = LocalizeParameters.model_validate(dict(fields)).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise RequestValidationError(parameter_errors(error, LocalizeParameters)) from error
    of_address = parameters.model_dump(exclude_unset=True)
    for name in of_form.keys() & of_address.keys():
        if of_form[name] != of_address[name]:
            given = f"{of_address[name]!r} in the address and {of_form[name]!r} in the form"
            raise InvalidParameter(f"parameter {name} is {given}: give it once")
    return LocalizeParameters(**of_address | of_form)


def _options(defaults: QueryDefaults, parameters: LocalizeParameters) -> QueryOptions:
    try:
        return defaults.options(
            parameters.candidates,
            parameters.shortlist,
            rerank=parameters.rerank,
            max_wrong=parameters.max_wrong,
            min_confidence=parameters.min_confidence,
        )
    except InvalidInput as error:
        raise InvalidParameter(error.message) from error


def _headers(timings_ms: Timings) -> Mapping[str, str]:
    server_timing = ", ".join(f"{stage};dur={duration}" for stage, duration in timings_ms.model_dump().items())
    return {"Server-Timing": server_timing, "Cache-Control": "no-store"}
