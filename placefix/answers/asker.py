"""The asker of questions about photos: it asks a server, or a map on this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from place_map.calibration_advice import calibration_advice
from place_map.reader import PlaceMap
from placefix.answers.asking_all import Ask
from placefix.asking import opened_map
from placefix.client.client import Client
from placefix.client.errors import ServerProblem
from placefix.client.question import Question
from service.errors import PlaceNotFound
from service.settings import ServiceSettings

_REQUESTS_AT_A_TIME = 4  # a server encodes waiting photos together; the other requests keep its device busy meanwhile


@dataclass(frozen=True)
class ServerAddress:
    """Describe a server to ask.

    Attributes:
        url: The address of the server.
        key: A key, if the server requires one.
        map_name: The name of one of its maps; None for the only one.
    """

    url: str
    key: str | None
    map_name: str | None


@dataclass(frozen=True)
class Asker:
    """Hold the functions that answer questions about photos.

    Attributes:
        ask: The function that answers one question.
        at_a_time: The best number of simultaneous questions.
        is_trained: Whether the network is trained; None if this is not known.
        thumbnail: The function that returns the small JPEG of a picture, by the name of its map and its id; None if
            the map keeps none.
        advice: Advice on how to get a confidence that can be trusted; None if there is none.
    """

    ask: Ask
    at_a_time: int
    thumbnail: Callable[[str, str], bytes | None]
    is_trained: bool | None = None
    advice: str | None = None


@contextmanager
def opened_asker(target: ServerAddress | ServiceSettings, question: Question) -> Iterator[Asker]:
    """Open a server or a map to ask, and close it at the end.

    Args:
        target: A server, or the settings that name a map.
        question: The question about every photo.

    Raises:
        PlacefixError: The server or map cannot be opened.
    """
    if isinstance(target, ServerAddress):
        with Client(target.url, key=target.key) as client:
            yield Asker(
                lambda photos: client.localize(*photos, map=target.map_name, **question),
                _REQUESTS_AT_A_TIME,
                lambda map_name, place_id: _thumbnail_of_server(client, map_name, place_id),
            )
        return
    with opened_map(target) as opened:
        place_map = opened.localizer.place_map
        yield Asker(
            lambda photos: opened.asking(question, len(photos)).answer(photos),
            at_a_time=1,
            thumbnail=lambda _, place_id: _thumbnail_of_map(place_map, place_id),
            is_trained=opened.localizer.encoder.is_trained,
            advice=calibration_advice(place_map.calibration, place_map.manifest, target.max_wrong),
        )


def _thumbnail_of_server(client: Client, map_name: str, place_id: str) -> bytes | None:
    try:
        return client.thumbnail(map_name, place_id)
    except ServerProblem as problem:
        if problem.code == PlaceNotFound.code:
            return None
        raise


def _thumbnail_of_map(place_map: PlaceMap, place_id: str) -> bytes | None:
    row = place_map.places.row_of(place_id)
    return None if row is None else place_map.thumbnail(row)
