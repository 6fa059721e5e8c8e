"""The command line, which puts the other packages together, and the API for programs.

``from placefix import Client, Localizer`` loads only these names: a client needs no torch. Nothing is imported before:
``python -m placefix`` first removes the folder of its start from the path, because it may hold a ``typing.py``.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from model.errors import PlacefixError
    from model.picture_errors import ImageError
    from placefix.client.client import AsyncClient, Client
    from placefix.client.errors import (
        ClientError,
        KeyRefused,
        NotPlacefix,
        PhotoRefused,
        ServerBusy,
        ServerProblem,
        ServerUnreachable,
    )
    from placefix.client.question import Photo, Question
    from placefix.localizer import Localizer
    from service.schemas.answer import LocalizationAnswer
    from service.schemas.maps import ServedMap

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "ImageError",
    "KeyRefused",
    "LocalizationAnswer",
    "Localizer",
    "NotPlacefix",
    "Photo",
    "PhotoRefused",
    "PlacefixError",
    "Question",
    "ServedMap",
    "ServerBusy",
    "ServerProblem",
    "ServerUnreachable",
]

_ERRORS = "placefix.client.errors"
_HOMES = {
    "AsyncClient": "placefix.client.client",
    "Client": "placefix.client.client",
    "ClientError": _ERRORS,
    "ImageError": "model.picture_errors",
    "KeyRefused": _ERRORS,
    "LocalizationAnswer": "service.schemas.answer",
    "Localizer": "placefix.localizer",
    "NotPlacefix": _ERRORS,
    "Photo": "placefix.client.question",
    "PhotoRefused": _ERRORS,
    "PlacefixError": "model.errors",
    "Question": "placefix.client.question",
    "ServedMap": "service.schemas.maps",
    "ServerBusy": _ERRORS,
    "ServerProblem": _ERRORS,
    "ServerUnreachable": _ERRORS,
}


def __getattr__(name: str) -> object:
    """Load a name of the API from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
