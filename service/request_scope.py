"""Keep the id of a request, and the name of its key, while it is answered."""

import re
import secrets

from starlette.types import Scope

REQUEST_ID_HEADER = "X-Request-Id"

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = "placefix.request_id"
_KEY_NAME = "placefix.key_name"


def choose_request_id(from_client: str | None) -> str:
    """Return the client's id if it can go into a log unchanged, a new one otherwise."""
    if from_client is not None and _SANE_REQUEST_ID.fullmatch(from_client):
        return from_client
    return secrets.token_hex(8)


def set_request_id(scope: Scope, request_id: str) -> None:
    """Remember the id of the request."""
    scope[_ID] = request_id


def request_id_of(scope: Scope) -> str:
    """Return the id of the request."""
    return str(scope[_ID])


def set_key_name(scope: Scope, name: str) -> None:
    """Remember the name of the key that the request came with."""
    scope[_KEY_NAME] = name


def key_name_of(scope: Scope) -> str | None:
    """Return the name of the key that the request came with; None if no key was needed, or none was recognised."""
    name: str | None = scope.get(_KEY_NAME)
    return name
