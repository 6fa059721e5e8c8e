"""Give every error its HTTP status and its one form, at this only place."""

import http
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from model.errors import ModelOutputInvalid, PlacefixError, StorageError
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
from place_map.errors import (
    BuildConflict,
    MapBusy,
    MapCorrupt,
    MapExists,
    MapNotFound,
    MapVersionUnsupported,
    VersionNotFound,
)
from service.errors import (
    AccessDenied,
    BasemapFailed,
    BodyTooLarge,
    BrowsingOff,
    DeadlineExceeded,
    InvalidParameter,
    KeyMissing,
    KeyUnknown,
    MalformedBody,
    MissingImage,
    NotReady,
    Overloaded,
    PlaceNotFound,
    SampleNotFound,
    ScopeMissing,
    ServiceError,
    SeveralImages,
    ShardOnly,
    ShardUnavailable,
    TileNotFound,
    UnexpectedShard,
    UnexpectedVersion,
    UnusableVersion,
    UploadTimeout,
)
from service.metrics import Metrics
from service.request_scope import request_id_of
from service.schemas.problem import ParameterError, Problem

PROBLEM_MEDIA_TYPE = "application/problem+json"

RETRY_SOON: Mapping[str, str] = {"Retry-After": "1"}  # seconds; clients double their wait themselves

_MAX_VALUE_LENGTH = 80  # the longest part of a wrong value that the answer repeats
_CLIENT_CLOSED_REQUEST = 499  # nobody reads it; proxies' logs use the name

_log = structlog.stdlib.get_logger("placefix.service")


@dataclass(frozen=True)
class ProblemKind:
    """Say how errors of one code go out.

    Attributes:
        status: The HTTP status.
        title: The title, the same for each of them.
        detail: The text instead of the error's own message, if the message may reveal the server's inside.
    """

    status: int
    title: str
    detail: str | None = None


# RFC 6750, section 3.
_CHALLENGES: Mapping[str, str] = {
    KeyMissing.code: 'Bearer realm="placefix"',
    KeyUnknown.code: 'Bearer realm="placefix", error="invalid_token"',
    ScopeMissing.code: 'Bearer realm="placefix", error="insufficient_scope"',
}

_SEE_LOG = "the reason is in the service's log under this request_id"

PROBLEM_KINDS: Mapping[str, ProblemKind] = {
    EmptyImage.code: ProblemKind(422, "The picture is empty"),
    NotAnImage.code: ProblemKind(415, "Not a picture"),
    UnsupportedImageFormat.code: ProblemKind(415, "Picture format not supported"),
    CorruptImage.code: ProblemKind(422, "The picture is damaged"),
    CorruptExif.code: ProblemKind(422, "The picture's EXIF block is damaged"),
    NoExifPosition.code: ProblemKind(422, "The picture does not say where it was taken"),
    TooManyPixels.code: ProblemKind(413, "Too many pixels"),
    ImageTooSmall.code: ProblemKind(422, "The picture is too small"),
    ExtremeAspectRatio.code: ProblemKind(422, "The picture is too narrow"),
    MalformedBody.code: ProblemKind(400, "Malformed body"),
    KeyMissing.code: ProblemKind(401, "A key is needed"),
    KeyUnknown.code: ProblemKind(401, "Unknown key"),
    ScopeMissing.code: ProblemKind(403, "The key does not allow this"),
    BrowsingOff.code: ProblemKind(403, "Pictures are not listed here"),
    BodyTooLarge.code: ProblemKind(413, "Too many bytes"),
    UploadTimeout.code: ProblemKind(408, "The upload took too long"),
    MissingImage.code: ProblemKind(422, "No picture in the request"),
    SeveralImages.code: ProblemKind(422, "More than one picture in the request"),
    InvalidParameter.code: ProblemKind(422, "Invalid parameter"),
    PlaceNotFound.code: ProblemKind(404, "Unknown picture"),
    SampleNotFound.code: ProblemKind(404, "Unknown sample"),
    TileNotFound.code: ProblemKind(404, "Unknown tile"),
    BasemapFailed.code: ProblemKind(502, "The base map failed"),
    MapNotFound.code: ProblemKind(404, "Unknown map"),
    VersionNotFound.code: ProblemKind(404, "Unknown version"),
    UnexpectedVersion.code: ProblemKind(409, "Another version is served"),
    UnusableVersion.code: ProblemKind(422, "The version cannot be served"),
    MapBusy.code: ProblemKind(409, "The map is being changed"),
    BuildConflict.code: ProblemKind(409, "A change of the map is unfinished"),
    MapExists.code: ProblemKind(409, "A build of the map is unfinished"),
    StorageError.code: ProblemKind(507, "The map cannot be written to"),
    MapCorrupt.code: ProblemKind(503, "The map is damaged", f"the map cannot be read; {_SEE_LOG}"),
    MapVersionUnsupported.code: ProblemKind(
        503, "The map was written by a newer release", f"a version of the map cannot be read; {_SEE_LOG}"
    ),
    ModelOutputInvalid.code: ProblemKind(500, "The network failed", f"no valid features; {_SEE_LOG}"),
    NotReady.code: ProblemKind(503, "Not ready"),
    Overloaded.code: ProblemKind(503, "Overloaded"),
    ShardUnavailable.code: ProblemKind(503, "A shard is missing"),
    ShardOnly.code: ProblemKind(421, "A part of the maps alone"),
    UnexpectedShard.code: ProblemKind(409, "Another shard"),
    DeadlineExceeded.code: ProblemKind(504, "Deadline exceeded"),
}

INTERNAL_ERROR_CODE = "internal_error"
_INTERNAL_ERROR = ProblemKind(500, "Internal error", f"something unexpected failed; {_SEE_LOG}")


def problem_response(
    request_id: str,
    code: str,
    kind: ProblemKind,
    detail: str,
    *,
    parameter_errors: Sequence[ParameterError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Put a problem document into a response."""
    problem = Problem(
        type=f"urn:placefix:problem:{code}",
        title=kind.title,
        status=kind.status,
        detail=kind.detail or detail,
        code=code,
        request_id=request_id,
        errors=list(parameter_errors),
    )
    content = problem.model_dump(exclude=set() if parameter_errors else {"errors"})
    return JSONResponse(content, kind.status, headers=headers, media_type=PROBLEM_MEDIA_TYPE)


def internal_error_response(request_id: str) -> Response:
    """Answer an unexpected error: the answer only names the log."""
    return problem_response(request_id, INTERNAL_ERROR_CODE, _INTERNAL_ERROR, "")


def status_response(
    request_id: str, status_code: int, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Put an error that HTTP has a name for into a response; the name is its code."""
    title = http.HTTPStatus(status_code).phrase
    code = title.lower().replace(" ", "_").replace("-", "_")
    return problem_response(request_id, code, ProblemKind(status_code, title), detail, headers=headers)


class ErrorAnswers:
    """Answer errors with problem documents, and count them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def install(self, app: FastAPI) -> None:
        """Make an application answer all its errors this way."""
        handlers: dict[Any, Any] = {
            PlacefixError: self.answer_placefix_error,
            RequestValidationError: self.answer_validation_error,
            HTTPException: self.answer_http_exception,
            ClientDisconnect: self.answer_disconnect,
        }
        for kind, handler in handlers.items():
            app.add_exception_handler(kind, handler)

    async def answer_placefix_error(self, request: Request, error: PlacefixError) -> Response:
        """Answer an error that was raised on purpose."""
        request_id = request_id_of(request.scope)
        kind = PROBLEM_KINDS.get(error.code)
        if kind is None:
            _log.error("unexpected error", code=error.code, exc_info=error)
            return internal_error_response(request_id)
        if kind.status >= 500 and kind.detail is not None:
            _log.error("request failed", code=error.code, exc_info=error)
        if isinstance(error, ImageError):
            self._metrics.image_errors.labels(code=error.code).inc()
        elif isinstance(error, ServiceError | AccessDenied | BodyTooLarge | UploadTimeout):
            self._metrics.rejected.labels(reason=error.code).inc()
        headers: dict[str, str] = {}
        if isinstance(error, NotReady | Overloaded | ShardUnavailable | MapCorrupt):
            headers |= RETRY_SOON
        if isinstance(error, UploadTimeout):
            headers["Connection"] = "close"  # the rest of the body may never come
        if error.code in _CHALLENGES:
            headers["WWW-Authenticate"] = _CHALLENGES[error.code]
        return problem_response(request_id, error.code, kind, error.message, headers=headers)

    async def answer_validation_error(self, request: Request, error: RequestValidationError) -> Response:
        """Answer parameters that do not fit their description; name each with its value and the limit."""
        parameter_errors = [_parameter_error(found) for found in error.errors()]
        detail = "; ".join(_sentence(wrong) for wrong in parameter_errors)
        code = InvalidParameter.code
        return problem_response(
            request_id_of(request.scope), code, PROBLEM_KINDS[code], detail, parameter_errors=parameter_errors
        )

    async def answer_http_exception(self, request: Request, error: HTTPException) -> Response:
        """Answer the framework's errors: an unknown path, or an unknown method there."""
        headers = dict(error.headers or {})
        details = {404: "there is nothing at this path; GET /docs lists all paths"}
        if error.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _with_implied_methods(headers.get("Allow", ""))
            if request.method == "OPTIONS":
                return Response(status_code=http.HTTPStatus.OK, headers=headers)
            details[405] = f"this path does not take {request.method}, but {headers['Allow']}"
        detail = details.get(error.status_code, str(error.detail))
        return status_response(request_id_of(request.scope), error.status_code, detail, headers=headers)

    async def answer_disconnect(self, request: Request, error: ClientDisconnect) -> Response:  # noqa: ARG002
        """Count a client that went away while it sent its body; the answer is for the log and the metrics alone."""
        self._metrics.rejected.labels(reason="client_gone").inc()
        return Response(status_code=_CLIENT_CLOSED_REQUEST)


def _with_implied_methods(allowed: str) -> str:
    """Return a header Allow with the methods that routes need not name: HEAD with every GET, OPTIONS everywhere."""
    methods = {method.strip() for method in allowed.split(",") if method.strip()} | {"OPTIONS"}
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def _sentence(wrong: ParameterError) -> str:
    state = "is missing" if wrong.value is None else f"is {wrong.value!r}"
    return f"parameter {wrong.parameter} {state}: {wrong.message}"


def _parameter_error(found: Mapping[str, Any]) -> ParameterError:
    value = None if found["type"] == "missing" else str(found.get("input"))[:_MAX_VALUE_LENGTH]
    message = str(found["msg"])
    name = found["loc"][-1] if found["loc"] else "body"
    return ParameterError(
        parameter=str(name)[:_MAX_VALUE_LENGTH],
        value=value,
        message=message[:1].lower() + message[1:],
    )
