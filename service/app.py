"""Puts the service together."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from service.errors import ErrorAnswers
from service.metrics import Metrics
from service.middleware import RequestObserver
from service.routes import docs, health, localize, maps, page, samples
from service.runtime import Runtime
from service.samples import Sample
from service.schemas import Problem
from service.settings import ServiceSettings

_DESCRIPTION = """\
Says where a photo was taken, by recognising the place among the geotagged pictures of a map.

Every error is a problem document (RFC 9457, `application/problem+json`) with a `code` that stays the same between
releases. Every answer carries `X-Request-Id`, taken from the request if it has a sane one.
"""


def _do_nothing() -> None:
    """The default for a failure that nobody wants to hear about."""


def create_app(
    settings: ServiceSettings,
    on_failure: Callable[[], None] = _do_nothing,
    offered: Sequence[Sample] = (),
) -> FastAPI:
    """Makes the application; starting it (its lifespan) starts to load network and maps.

    Args:
        settings: Limits, defaults, and what to load.
        on_failure: Called, from another thread, once the service cannot become or stay ready; then
            ``app.state.runtime.failure`` says why.
        offered: The sample queries, as whoever starts the service has read them from the folder of the settings.
    """
    release = version("placefix")
    metrics = Metrics(release)
    runtime = Runtime(settings, metrics, on_failure)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        runtime.start()
        yield
        await run_in_threadpool(runtime.stop)

    app = FastAPI(
        title="Placefix",
        version=release,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.runtime = runtime
    app.state.samples = {sample.id: sample for sample in offered}
    ErrorAnswers(settings, metrics).install(app)
    for module in (localize, maps, samples, health, docs, page):
        app.include_router(module.router)
    app.add_middleware(RequestObserver, metrics=metrics)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Adds the schema of problems, which no route has as its model, and takes out the framework's own answer to
    parameters that do not fit, which this application never gives.
    """
    make_document = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = make_document()
            schemas = document["components"]["schemas"]
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= problem.pop("$defs") | {"Problem": problem}
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            for methods in document["paths"].values():
                for operation in methods.values():
                    if "HTTPValidationError" in str(operation["responses"].get("422")):
                        del operation["responses"]["422"]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
