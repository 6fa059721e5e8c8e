"""How well a running service finds the places of the demo's queries, all of them, good or bad."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from demo.photo_file import photo_bytes
from demo.picture import paint_picture
from demo.town import SEED, draw_town
from demo.walk import Shot, database_shots, query_shots
from model.errors import NotReady
from model.geo import LatLon, distance_m

FOUND_WITHIN_M = 25.0  # the field's threshold
_TIMEOUT_S = 60.0
_REASON_LENGTH = 200  # characters of an answer that is no problem document


@dataclass(frozen=True)
class CheckedQuery:
    """One query and its answer.

    Attributes:
        shot: What was asked with.
        found: Id of the best candidate; None without one.
        off_m: Distance of the answer from where the picture was taken; None without an answer.
        duration_ms: As the service states it.
    """

    shot: Shot
    found: str | None
    off_m: float | None
    duration_ms: float

    @property
    def is_found(self) -> bool:
        """Whether the answer is near enough."""
        return self.off_m is not None and self.off_m <= FOUND_WITHIN_M


def check_queries(url: str, map_name: str | None = None) -> Iterator[CheckedQuery]:
    """Draws every query and posts it.

    Args:
        url: Of the service.
        map_name: Which of its maps is the demo, if it serves several.

    Yields:
        The answers, one by one.

    Raises:
        NotReady: There is no service there, or it does not answer the question.
    """
    town = draw_town(SEED)
    parameters = {} if map_name is None else {"map": map_name}
    with httpx.Client(base_url=url, timeout=_TIMEOUT_S) as client:
        for shot in query_shots(SEED):
            photo = photo_bytes(paint_picture(town, shot.view, shot.light), shot)
            try:
                response = client.post("/localize", params=parameters, content=photo)
            except httpx.TransportError as error:
                raise NotReady(f"no answer from {url}: {error}; is the service running? (make serve)") from error
            if response.status_code != httpx.codes.OK:
                raise NotReady(f"{url} answered {response.status_code} to {shot.name}: {_reason(response)}")
            yield _checked(shot, response.json())


def chance() -> float:
    """The share of queries that a picture of the map drawn at random would find."""
    database = [shot.position for shot in database_shots()]
    queries = [shot.position for shot in query_shots(SEED)]
    near = sum(distance_m(query, place) <= FOUND_WITHIN_M for query in queries for place in database)
    return near / (len(queries) * len(database))


def _reason(response: httpx.Response) -> str:
    """The sentence of a problem document, or whatever another server has answered."""
    try:
        match response.json():
            case {"detail": str(detail)}:
                return detail
    except ValueError:
        pass  # no JSON
    return response.text[:_REASON_LENGTH]


def _checked(shot: Shot, answer: dict[str, object]) -> CheckedQuery:
    match answer:
        case {
            "position": {"latitude": float(latitude), "longitude": float(longitude)},
            "candidates": [{"id": str(found)}, *_],
            "timings_ms": {"total": float(duration_ms)},
        }:
            return CheckedQuery(shot, found, distance_m(shot.position, LatLon(latitude, longitude)), duration_ms)
        case {"timings_ms": {"total": float(duration_ms)}}:
            return CheckedQuery(shot, None, None, duration_ms)
        case _:
            raise NotReady(f"this is no answer of Placefix to {shot.name}: {answer}")
