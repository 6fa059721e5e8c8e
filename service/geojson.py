"""Turn an answer into GeoJSON: the same facts as features, without stages, photos and the best one's evidence."""

from service.schemas.answer import LocalizationAnswer
from service.schemas.candidate import CandidateAnswer, Position
from service.schemas.geojson import (
    AnswerFeature,
    AnswerProperties,
    CandidateFeature,
    CandidateProperties,
    FeatureCollection,
    Point,
)

GEOJSON_MEDIA_TYPE = "application/geo+json"


def as_geojson(answer: LocalizationAnswer) -> FeatureCollection:
    """Return the answer as a feature, with the features of its candidates after it."""
    accuracy = answer.accuracy
    properties = AnswerProperties(
        kind="answer",
        status=answer.status,
        confidence=answer.confidence,
        radius_m=None if accuracy is None else accuracy.radius_m,
        level=None if accuracy is None else accuracy.level,
        map=answer.map.name,
        map_version=answer.map.version,
        request_id=answer.request_id,
    )
    geometry = None if answer.position is None else _point(answer.position)
    candidates = [_candidate(each) for each in answer.candidates]
    return FeatureCollection(
        type="FeatureCollection",
        features=[AnswerFeature(type="Feature", geometry=geometry, properties=properties), *candidates],
    )


def _candidate(candidate: CandidateAnswer) -> CandidateFeature:
    evidence = candidate.model_dump(exclude={"latitude", "longitude"})
    properties = CandidateProperties(kind="candidate", **evidence)
    return CandidateFeature(type="Feature", geometry=_point(candidate), properties=properties)


def _point(place: Position | CandidateAnswer) -> Point:
    return Point(type="Point", coordinates=[place.longitude, place.latitude])
