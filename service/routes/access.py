"""Check keys: each route that needs a key names the scope that the key must have."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from service.errors import KeyMissing, KeyUnknown, ScopeMissing
from service.key_file import WatchedKeys
from service.keys import KEY_HEADER, ApiKey, Scope, find_key
from service.request_scope import set_key_name

_HOW_TO_SEND = f"send it as 'Authorization: Bearer KEY' or as '{KEY_HEADER}: KEY'"
_bearer = HTTPBearer(
    scheme_name="bearer", auto_error=False, description="A key that `placefix keys create` has printed."
)
_header = APIKeyHeader(
    name=KEY_HEADER,
    scheme_name="key",
    auto_error=False,
    description="The same, where `Authorization` belongs to a proxy.",
)
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
_Header = Annotated[str | None, Depends(_header)]


def require_scope(scope: Scope) -> Any:
    """Make a dependency that lets a request in if its key has a scope, before anything of its body is read.

    Use it for a route: ``@router.post(…, dependencies=[require_scope(Scope.ADMIN)])``; or for all routes of a router:
    ``APIRouter(dependencies=[…])``. If the service has no file of keys, everybody is let in. The OpenAPI document gets
    the security scheme and the answers 401 and 403 by itself.

    Raises:
        KeyMissing: No key was sent.
        KeyUnknown: The key is not among the service's keys.
        ScopeMissing: The key does not have the scope.
    """
    return Security(_check, scopes=[scope.value])


def may(scope: Scope) -> Callable[..., Coroutine[Any, Any, bool]]:
    """Make a dependency that tells whether the sender's key has a scope, and refuses nobody."""

    async def has_scope(request: Request, bearer: _Bearer, header: _Header) -> bool:
        watched: WatchedKeys | None = request.app.state.keys
        if watched is None:
            return True
        _, key = _find_sent(watched, bearer, header)
        return key is not None and scope in key.scopes

    return has_scope


async def _check(request: Request, needed: SecurityScopes, bearer: _Bearer, header: _Header) -> None:
    watched: WatchedKeys | None = request.app.state.keys
    if watched is None:
        return
    sent, key = _find_sent(watched, bearer, header)
    if not sent:
        raise KeyMissing(f"this needs a key; {_HOW_TO_SEND}")
    if key is None:
        raise KeyUnknown("the key that was sent is not a key of this service; it may have been revoked")
    set_key_name(request.scope, key.name)
    for scope in needed.scopes:
        if scope not in key.scopes:
            raise ScopeMissing(f"this needs a key with the scope {scope}, and the key {key.name} does not have it")


def _find_sent(
    watched: WatchedKeys, bearer: HTTPAuthorizationCredentials | None, header: str | None
) -> tuple[str | None, ApiKey | None]:
    """Return the key that was sent, as text, and the known key that it matches."""
    sent = header if bearer is None else bearer.credentials
    return sent, find_key(watched.keys, sent) if sent else None
