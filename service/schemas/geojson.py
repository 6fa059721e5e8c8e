"""Answer as GeoJSON (RFC 7946), which a GIS shows."""

from typing import Annotated, Literal

from pydantic import Field

from service.schemas.answer import LocalizationAnswer
from service.schemas.candidate import CandidateAnswer
from service.schemas.schema import Schema
from service.words import Status

_IN_ANSWER, _IN_CANDIDATE = LocalizationAnswer.model_fields, CandidateAnswer.model_fields


class Point(Schema):
    """Hold a position on the Earth."""

    type: Annotated[Literal["Point"], Field(description="The type of the object.")]
    coordinates: Annotated[
        list[float],
        Field(
            min_length=2,
            max_length=2,
            description="WGS84 longitude and latitude in degrees, in this order.",
            examples=[[13.19321, 55.70584]],
        ),
    ]


class AnswerProperties(Schema):
    """Say how sure the answer is, and which map gave it."""

    kind: Annotated[Literal["answer"], Field(description="The kind of the feature.")]
    status: Annotated[Status, Field(description=_IN_ANSWER["status"].description)]
    confidence: Annotated[float | None, Field(ge=0, le=1, description=_IN_ANSWER["confidence"].description)]
    radius_m: Annotated[
        float | None, Field(ge=0, description="Metres around the position; null where nothing supports a number.")
    ]
    level: Annotated[
        float | None,
        Field(gt=0, lt=1, description="Share of answers like this one that lie within the radius; null without one."),
    ]
    map: Annotated[str, Field(description="The map that answered.", examples=["lund"])]
    map_version: Annotated[str, Field(description="Its version.", examples=["000001"])]
    request_id: Annotated[str, Field(description=_IN_ANSWER["request_id"].description)]


class AnswerFeature(Schema):
    """Hold the answer."""

    type: Annotated[Literal["Feature"], Field(description="The type of the object.")]
    geometry: Annotated[Point | None, Field(description=_IN_ANSWER["position"].description)]
    properties: AnswerProperties


class CandidateProperties(Schema):
    """Hold the evidence for a candidate."""

    kind: Annotated[Literal["candidate"], Field(description="The kind of the feature.")]
    rank: Annotated[int, Field(ge=1, description=_IN_CANDIDATE["rank"].description)]
    id: Annotated[str, Field(description=_IN_CANDIDATE["id"].description)]
    heading_deg: Annotated[float | None, Field(ge=0, lt=360, description=_IN_CANDIDATE["heading_deg"].description)]
    mutual_matches: Annotated[int | None, Field(ge=0, description=_IN_CANDIDATE["mutual_matches"].description)]
    score: Annotated[float | None, Field(ge=0, description=_IN_CANDIDATE["score"].description)]
    global_distance: Annotated[float, Field(ge=0, description=_IN_CANDIDATE["global_distance"].description)]


class CandidateFeature(Schema):
    """Describe a picture of the map that may show the place of the query."""

    type: Annotated[Literal["Feature"], Field(description="The type of the object.")]
    geometry: Point
    properties: CandidateProperties


class FeatureCollection(Schema):
    """List the answer first, then the candidates, the best first."""

    type: Annotated[Literal["FeatureCollection"], Field(description="The type of the object.")]
    features: Annotated[
        list[AnswerFeature | CandidateFeature], Field(min_length=1, description="The answer, then the candidates.")
    ]
