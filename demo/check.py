"""The check of a running service by all queries of the demo."""

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
_REASON_LENGTH = 200  # most characters of an answer that is not a problem document


@dataclass(frozen=True)
class Query:
    """Describe a picture to ask with.

    Attributes:
        sample: The sample of the service.
        position: The position of the picture.
        condition: The light and weather.
    """

    sample: Sample
    position: LatLon
    condition: str


@dataclass(frozen=True)
class CheckedQuery:
    """Hold one query and its answer.

    Attributes:
        query: The query.
        found: The id of the best candidate; None if there is none.
        off_m: The distance of the answer from the picture's position in metres; None without an answer.
        duration_ms: The duration that the service states.
    """

    query: Query
    found: str | None
    off_m: float | None
    duration_ms: float

    @property
    def is_found(self) -> bool:
        """Return whether the answer is near enough."""
        return self.off_m is not None and self.off_m <= FOUND_WITHIN_M


@dataclass(frozen=True)
class Score:
    """Summarise the answers to the queries of one condition.

    Attributes:
        condition: The name of the condition, or ``all``.
        queries: The number of queries.
        found: The number of queries answered within ``FOUND_WITHIN_M``.
        off_m: The median distance of the answers; None without an answer.
        duration_ms: The mean duration.
    """

    condition: str
    queries: int
    found: int
    off_m: float | None
    duration_ms: float


def read_queries(town: ShippedTown = SHIPPED) -> list[Query]:
    """Read the shipped queries, in their order.

    Raises:
        InvalidSamples: A query is missing, or its row lacks position or condition.
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
    """Post every query.

    Args:
        queries: The queries.
        url: The address of the service.
        map_name: The name of the demo's map, if the service has several.
        key: A key with the scope read, if the service needs one.

    Yields:
        The answers, one by one.

    Raises:
        NotReady: There is no service, or it does not answer the query.
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
    """Return one score for each condition, in the order of the queries, and one for all together.

    Args:
        answers: The answers, at least one.
    """
    conditions = dict.fromkeys(answer.query.condition for answer in answers)
    found = [_score(name, [each for each in answers if each.query.condition == name]) for name in conditions]
    return [*found, _score(ALL, answers)]


def chance(queries: Sequence[Query], town: ShippedTown = SHIPPED) -> float:
    """Return the share of queries that a random picture of the map would find."""
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
    """Return the sentence of a problem document, or the answer of another server."""
    try:
        match response.json():
            case {"detail": str(detail)}:
                return detail
    except ValueError:
        pass  # not JSON
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
            raise NotReady(f"this is not an answer of Placefix to {query.sample.id}: {answer}")
