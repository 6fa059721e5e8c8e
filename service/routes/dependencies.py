"""Give routes the parts of the application that they need."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from service.parameters import wrong_names
from service.runtime import Runtime


async def get_runtime(request: Request) -> Runtime:
    """Return the running service behind a request; a coroutine, because a function would run on a thread."""
    runtime: Runtime = request.app.state.runtime
    return runtime


RuntimeDependency = Annotated[Runtime, Depends(get_runtime)]


async def _refuse_unknown_parameters(request: Request) -> None:
    """Refuse a query string with names that the route does not have, instead of ignoring them."""
    if not request.url.query:
        return
    route: APIRoute = request.scope["route"]
    operation: dict[str, Any] = request.app.openapi()["paths"][route.path_format][request.method.lower()]
    known = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    if errors := wrong_names(request.query_params.multi_items(), known):
        raise RequestValidationError(errors)


KNOWN_PARAMETERS_ONLY = Depends(_refuse_unknown_parameters)
"""For a router, after the dependency that lets a request in."""
