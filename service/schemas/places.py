"""The pictures of a map as GeoJSON (RFC 7946): what a GIS shows."""

from typing import Annotated, Literal

from pydantic import Field

from service.schemas.schema import Schema

_Degrees = Annotated[list[float], Field(min_length=2, max_length=2)]

BBOX = Field(
    min_length=4,
    max_length=4,
    description="West, south, east and north of the pictures, in degrees.",
    examples=[[13.18, 55.7, 13.2, 55.71]],
)


class PlacePoint(Schema):
    """The position of a picture, or the mean of several."""

    type: Annotated[Literal["Point"], Field(description="What it is.")]
    coordinates: Annotated[_Degrees, Field(description="WGS84 longitude and latitude in degrees.")]


class PlaceProperties(Schema):
    """A picture, or how many there are in a cell."""

    kind: Annotated[Literal["picture", "cell"], Field(description="One picture, or a cell of several.")]
    count: Annotated[int, Field(ge=1, description="How many pictures it stands for.", examples=[12])]
    id: Annotated[str | None, Field(description="The picture's id; null of a cell.", examples=["lund/0123.jpg"])]
    time: Annotated[
        str | None,
        Field(
            description="When the picture was taken, in ISO 8601; without an offset by the camera's clock.",
            examples=["2024-05-01T09:30:00+02:00"],
        ),
    ]
    headings_deg: Annotated[
        list[float],
        Field(
            max_length=4,
            description="Known directions of the cameras, degrees clockwise from true north; of cells of up to four.",
        ),
    ]


class PlaceFeature(Schema):
    """A picture, or a cell of several."""

    type: Annotated[Literal["Feature"], Field(description="What it is.")]
    bbox: Annotated[list[float], BBOX]
    geometry: PlacePoint
    properties: PlaceProperties


class TrackLines(Schema):
    """The steps of tracks between the features of the same answer."""

    type: Annotated[Literal["MultiLineString"], Field(description="What it is.")]
    coordinates: Annotated[list[list[_Degrees]], Field(description="Longitudes and latitudes of the ends of each.")]


class TrackProperties(Schema):
    """What the lines are."""

    kind: Annotated[Literal["tracks"], Field(description="Steps from a picture to the next one in time.")]


class TrackFeature(Schema):
    """The tracks: pictures that were taken shortly after each other, and near each other."""

    type: Annotated[Literal["Feature"], Field(description="What it is.")]
    geometry: TrackLines
    properties: TrackProperties


class PlaceCollection(Schema):
    """The pictures of a box: the tracks, if there are any, then pictures and cells."""

    type: Annotated[Literal["FeatureCollection"], Field(description="What it is.")]
    features: Annotated[
        list[TrackFeature | PlaceFeature], Field(max_length=2001, description="At most 2,000 pictures and cells.")
    ]
    bbox: Annotated[list[float] | None, BBOX] = None
