"""Build the application of the service."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from anyio import CapacityLimiter
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from model.errors import InvalidInput
from service.basemap.opening import open_basemap
from service.cors import OtherOrigins
from service.early_refusal import EarlyRefusal
from service.key_file import WatchedKeys
from service.keys import KEY_HEADER
from service.metrics import Metrics
from service.middleware import RequestObserver
from service.openapi import complete_openapi
from service.paths import QUERY_PATH
from service.problems import ErrorAnswers
from service.request_scope import REQUEST_ID_HEADER
from service.routes import activation, basemap, docs, health, localize, maps, page, places, samples, shard, shards
from service.runtime import Runtime
from service.samples import Sample
from service.settings import ServiceSettings
from service.trace_context import TRACE_ANSWER_HEADER, TRACE_HEADER

_DESCRIPTION = """\
Says where a photo was taken, by recognising the place among the geotagged pictures of a map.

Every error is a problem document (RFC 9457, `application/problem+json`) with a `code` that stays the same between
releases. Every answer carries `X-Request-Id`, taken from the request if it has a valid one. The answer to a request
that belongs to a trace (W3C's `traceparent`) has `traceresponse`.
"""

_ROUTERS = tuple(
    module.router for module in (localize, maps, places, activation, shards, samples, basemap, health, docs, page)
)

# The routers of a shard. Its routes are for front ends, and not part of the contract with clients.
_ROUTERS_OF_SHARD = tuple(module.router for module in (shard, health))

# The headers that pages of other origins may send and read, if the settings name their origins.
_SENT_HEADERS = ("Authorization", "Content-Type", KEY_HEADER, REQUEST_ID_HEADER, TRACE_HEADER, "tracestate")
_READ_HEADERS = ("Retry-After", "Server-Timing", "WWW-Authenticate", REQUEST_ID_HEADER, TRACE_ANSWER_HEADER)


def _do_nothing() -> None:
    """Ignore a failure."""


def create_app(
    settings: ServiceSettings,
    on_failure: Callable[[], None] = _do_nothing,
    offered: Sequence[Sample] = (),
) -> FastAPI:
    """Make the application; its lifespan starts to load network and maps.

    Args:
        settings: Limits, defaults, and the network and maps to load.
        on_failure: A function that another thread calls once the service cannot become or stay ready; then
            ``app.state.runtime.failure`` says why.
        offered: The sample queries, already read from the folder of the settings.

    Raises:
        InvalidKeys: The file of keys cannot be used.
        InvalidInput: The root path begins like a path of the service.
    """
    _check_root_path(settings.root_path)
    release = version("placefix")
    metrics = Metrics(release)
    keys = None if settings.keys is None else WatchedKeys(settings.keys)
    if keys is not None:
        metrics.watch_keys(lambda: keys.is_stale)
    runtime = Runtime(settings, metrics, on_failure)

    tiles = open_basemap(settings.basemap, settings.basemap_attribution, settings.basemap_max_zoom, release)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        runtime.start()
        async with _watching(keys):
            yield
        await run_in_threadpool(runtime.stop)
        if tiles is not None:
            await tiles.close()

    app = FastAPI(
        title="Placefix",
        version=release,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        servers=[{"url": settings.root_path}] if settings.root_path else None,
        generate_unique_id_function=lambda route: route.name,  # short names for the functions of generated clients
    )
    app.state.runtime = runtime
    app.state.keys = keys
    app.state.basemap = tiles
    app.state.listing_threads = CapacityLimiter(places.MOST_LISTINGS)
    app.state.samples = {sample.id: sample for sample in offered}
    ErrorAnswers(metrics).install(app)
    for router in _ROUTERS if settings.shard is None else _ROUTERS_OF_SHARD:
        app.include_router(router)
    app.add_middleware(
        RequestObserver,
        metrics=metrics,
        refusal=EarlyRefusal(runtime.queue.check_room, metrics),
        is_draining=lambda: runtime.is_draining,
        root_path=settings.root_path,
        other_origins=OtherOrigins(settings.cors_origins, [QUERY_PATH], _SENT_HEADERS, _READ_HEADERS),
    )
    complete_openapi(app, has_keys=keys is not None)
    return app


def _check_root_path(root_path: str) -> None:
    """Refuse a root path that makes a path ambiguous: a proxy may take the root path off, or leave it there."""
    own = {route.path.split("/")[1] for router in _ROUTERS for route in router.routes if isinstance(route, Route)} - {
        ""
    }
    if root_path and root_path.split("/")[1] in own:
        raise InvalidInput(
            f"root_path is {root_path}, and paths of the service begin like it; publish it under one that "
            f"begins with none of {', '.join(sorted(own))}"
        )


@asynccontextmanager
async def _watching(keys: WatchedKeys | None) -> AsyncIterator[None]:
    """Read the keys again whenever their file changes, while the block lasts."""
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
