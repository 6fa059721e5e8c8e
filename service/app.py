"""Puts the service together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from service.early_refusal import EarlyRefusal
from service.key_file import WatchedKeys
from service.metrics import Metrics
from service.middleware import RequestObserver
from service.openapi import complete_openapi
from service.problems import ErrorAnswers
from service.routes import activation, docs, health, localize, maps, page, samples
from service.runtime import Runtime
from service.samples import Sample
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

    Raises:
        InvalidKeys: The file of keys cannot be used.
    """
    release = version("placefix")
    metrics = Metrics(release)
    keys = None if settings.keys is None else WatchedKeys(settings.keys)
    if keys is not None:
        metrics.watch_keys(lambda: keys.is_stale)
    runtime = Runtime(settings, metrics, on_failure)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        runtime.start()
        async with _watching(keys):
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
        generate_unique_id_function=lambda route: route.name,  # short names for the functions of generated clients
    )
    app.state.runtime = runtime
    app.state.keys = keys
    app.state.samples = {sample.id: sample for sample in offered}
    ErrorAnswers(settings, metrics).install(app)
    for module in (localize, maps, activation, samples, health, docs, page):
        app.include_router(module.router)
    app.add_middleware(
        RequestObserver,
        metrics=metrics,
        refusal=EarlyRefusal(runtime.queue.check_room, metrics, settings.retry_after_s),
        is_draining=lambda: runtime.is_draining,
    )
    complete_openapi(app, has_keys=keys is not None)
    return app


@asynccontextmanager
async def _watching(keys: WatchedKeys | None) -> AsyncIterator[None]:
    """Reads the keys again whenever their file changes, while the block lasts."""
    if keys is None:
        yield
        return
    watch = asyncio.create_task(keys.watch())
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
