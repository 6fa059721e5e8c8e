"""Run a shard in Ray Serve: each replica is the application of an HTTP shard, and is asked without a socket.

Serve loads ``build_app`` on the machines of the cluster. Ray is imported when it is used.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx

from model.errors import InvalidInput
from service.app import create_app
from service.logs import configure_logging
from service.ray_config import DEPLOYMENT
from service.ray_transport import ReplicaAnswer, load_serve
from service.runtime import Runtime
from service.settings import load_settings

_LOOK_PAUSE_S = 0.1
_BASE_URL = "http://shard"
_ROUTER = "service.ray_routing.NamedReplica"


class ShardReplica:
    """Answer the calls of front ends for one shard."""

    async def __init__(self, settings: Mapping[str, object]) -> None:  # type: ignore[misc]  # Serve waits for it
        """Load network and maps, and return once calls are answered.

        Args:
            settings: The settings of the shard by name; they win over the environment of the machine.

        Raises:
            InvalidInput: A setting does not fit, or is missing.
            PlacefixError: A map or the network cannot be loaded.
        """
        loaded = load_settings(settings)
        if loaded.shard is None:
            raise InvalidInput("a shard in Ray needs its number among its args, such as shard: 1/2")
        configure_logging(loaded.log_format, loaded.log_level)
        app = create_app(loaded)
        self._runtime: Runtime = app.state.runtime
        self._replica = _name_of_this_replica()
        self._open = AsyncExitStack()
        await self._open.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = await self._open.enter_async_context(httpx.AsyncClient(transport=transport, base_url=_BASE_URL))
        while not self._runtime.is_ready:
            self._check_alive()
            await asyncio.sleep(_LOOK_PAUSE_S)

    async def ask(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        preferred: str | None = None,  # noqa: ARG002  (read where the replica is chosen)
    ) -> ReplicaAnswer:
        """Answer a request as an HTTP shard does.

        Args:
            path: The path of the route.
            body: The body of the call.
            headers: The headers of the call.
            preferred: The name of the replica that is to answer.
        """
        response = await self._client.post(path, content=body, headers=dict(headers))
        return self._replica, response.status_code, response.content

    async def check_health(self) -> None:
        """Pass as long as the process can answer, so that Serve does not start the replica again.

        Raises:
            BaseException: The error that ended the worker.
        """
        self._check_alive()

    async def __del__(self) -> None:
        """Answer the calls that have begun, and end all threads; Serve waits for it."""
        await self._open.aclose()

    def _check_alive(self) -> None:
        if self._runtime.failure is not None:
            raise self._runtime.failure


def build_app(settings: dict[str, object]) -> Any:
    """Return the application of one shard, for Serve.

    Args:
        settings: The settings of the shard by name, such as ``{"maps": ["/maps/town"], "shard": "1/2"}``.
    """
    serve = load_serve()
    router = serve.config.RequestRouterConfig(request_router_class=_ROUTER)
    return serve.deployment(ShardReplica, name=DEPLOYMENT, request_router_config=router).bind(settings)


def _name_of_this_replica() -> str:
    return str(load_serve().get_replica_context().replica_id.unique_id)
