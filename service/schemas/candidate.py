"""Describe a picture of the map that may show the place of a photo."""

from typing import Annotated

from pydantic import Field

from service.schemas.schema import HEADING, LATITUDE, LONGITUDE, Schema

_MATCHES = Field(
    ge=0,
    description=(
        "Mutual nearest neighbours among the local features of query and candidate; null if not re-ranked, or by "
        "another re-ranker."
    ),
    examples=[412],
)
_SCORE = Field(
    ge=0,
    description="The score of the map's re-ranker; higher is better. null if not re-ranked. Mutual matches by default.",
    examples=[412.0],
)
_DISTANCE = Field(ge=0, description="Euclidean distance of the global features, in [0, 2].", examples=[0.3127])


class Position(Schema):
    """Hold a position on the Earth."""

    latitude: Annotated[float, LATITUDE]
    longitude: Annotated[float, LONGITUDE]


class CandidateAnswer(Schema):
    """Describe a picture of the map that may show the place of the query."""

    rank: Annotated[int, Field(ge=1, description="1 is the best.", examples=[1])]
    id: Annotated[str, Field(description="The picture's id in the map.", examples=["lund/0123.jpg"])]
    latitude: Annotated[float, LATITUDE]
    longitude: Annotated[float, LONGITUDE]
    heading_deg: Annotated[float | None, HEADING]
    mutual_matches: Annotated[int | None, _MATCHES]
    score: Annotated[float | None, _SCORE] = None
    global_distance: Annotated[float, _DISTANCE]
