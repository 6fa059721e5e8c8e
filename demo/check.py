"""How well a running service finds the places of the demo's queries, all of them, good or bad."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median

import httpx

from demo.shipped import SHIPPED, ShippedTown
from index_builder.sources.read import read_source
from model.geo import LatLon, distance_m
from model.images import DEFAULT_LIMITS
from placefix.samples import read_samples
from service.errors import InvalidSamples, NotReady
from service.samples import Sample

FOUND_WITHIN_M = 25.0  # the field's threshold
ALL = "all"
_TIMEOUT_S = 60.0
_REASON_LENGTH = 200  # characters of an answer that is no problem document


@dataclass(frozen=True)
class Query:
    """A picture to ask with.

    Attributes:
        sample: As the service offers it.
        position: Where it was taken.
        condition: Light and weather.
    """

    sample: Sample
    position: LatLon
    condition: str


@dataclass(frozen=True)
class CheckedQuery:
    """One query and its answer.

    Attributes:
        query: What was asked with.
        found: Id of the best candidate; None without one.
        off_m: Distance of the answer from where the picture was taken; None without an answer.
        duration_ms: As the service states it.
    """

    query: Query
    found: str | None
    off_m: float | None
    duration_ms: float

    @property
    def is_found(self) -> bool:
        """Whether the answer is near enough."""
        return self.off_m is not None and self.off_m <= FOUND_WITHIN_M


@dataclass(frozen=True)
class Score:
    """The answers to the queries of one condition.

    Attributes:
        condition: Its name, or ``all``.
        queries: How many were asked.
        found: Of these, answered within ``FOUND_WITHIN_M``.
        off_m: Median distance of the answers; None without an answer.
        duration_ms: Mean.
    """

    condition: str
    queries: int
    found: int
    off_m: float | None
    duration_ms: float


def read_queries(town: ShippedTown = SHIPPED) -> list[Query]:
    """The queries that are shipped, in their order.

    Raises:
        InvalidSamples: One is missing, or its row lacks position or condition.
    """
    queries = []
    for sample in read_samples(town.pictures, DEFAULT_LIMITS):
        if sample.position is None or sample.condition is None:
            raise InvalidSamples(f"{town.query_list} lacks the position or the condition of {sample.id}")
        queries.append(Query(sample, sample.position, sample.condition))
    return queries


def check_queries(
    queries: Sequence[Query], url: str, map_name: str | None = None, key: str | None = None
) -> Iterator[CheckedQuery]:
    """Posts every query.

    Args:
        queries: What to ask with.
        url: Of the service.
        map_name: Which of its maps is the demo, if it serves several.
        key: With the scope read, if it wants one.

    Yields:
        The answers, one by one.

    Raises:
        NotReady: There is no service there, or it does not answer the question.
    """
    parameters = {} if map_name is None else {"map": map_name}
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S) as client:
        for query in queries:
            try:
                response = client.post("/localize", params=parameters, content=query.sample.read())
            except httpx.TransportError as error:
                raise NotReady(f"no answer from {url}: {error}; is the service running? (make serve)") from error
            if response.status_code != httpx.codes.OK:
                raise NotReady(f"{url} answered {response.status_code} to {query.sample.id}: {_reason(response)}")
            yield _checked(query, response.json())


def scores(answers: Sequence[CheckedQuery]) -> list[Score]:
    """One score for each condition, in the order of the queries, and one for all together.

    Args:
        answers: At least one.
    """
    conditions = dict.fromkeys(answer.query.condition for answer in answers)
    found = [_score(name, [each for each in answers if each.query.condition == name]) for name in conditions]
    return [*found, _score(ALL, answers)]


def chance(queries: Sequence[Query], town: ShippedTown = SHIPPED) -> float:
    """The share of queries that a picture of the map drawn at random would find."""
    database = [place.position for place in read_source(town.database).places]
    near = sum(distance_m(query.position, place) <= FOUND_WITHIN_M for query in queries for place in database)
    return near / (len(queries) * len(database))


def _score(condition: str, answers: Sequence[CheckedQuery]) -> Score:
    distances_m = [answer.off_m for answer in answers if answer.off_m is not None]
    return Score(
        condition,
        len(answers),
        sum(answer.is_found for answer in answers),
        median(distances_m) if distances_m else None,
        mean(answer.duration_ms for answer in answers),
    )


def _reason(response: httpx.Response) -> str:
    """The sentence of a problem document, or whatever another server has answered."""
    try:
        match response.json():
            case {"detail": str(detail)}:
                return detail
    except ValueError:
        pass  # no JSON
    return response.text[:_REASON_LENGTH]


def _checked(query: Query, answer: dict[str, object]) -> CheckedQuery:
    match answer:
        case {
            "position": {"latitude": float(latitude), "longitude": float(longitude)},
            "candidates": [{"id": str(found)}, *_],
            "timings_ms": {"total": float(duration_ms)},
        }:
            return CheckedQuery(query, found, distance_m(query.position, LatLon(latitude, longitude)), duration_ms)
        case {"timings_ms": {"total": float(duration_ms)}}:
            return CheckedQuery(query, None, None, duration_ms)
        case _:
            raise NotReady(f"this is no answer of Placefix to {query.sample.id}: {answer}")
