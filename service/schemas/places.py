"""Describe the pictures of a map as GeoJSON (RFC 7946), which a GIS shows."""

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
    """Hold the position of a picture, or the mean of several."""

    type: Annotated[Literal["Point"], Field(description="The type of the object.")]
    coordinates: Annotated[_Degrees, Field(description="WGS84 longitude and latitude in degrees.")]


class PlaceProperties(Schema):
    """Describe a picture, or count the pictures in a cell."""

    kind: Annotated[Literal["picture", "cell"], Field(description="One picture, or a cell of several.")]
    count: Annotated[int, Field(ge=1, description="The number of pictures.", examples=[12])]
    id: Annotated[str | None, Field(description="The picture's id; null for a cell.", examples=["lund/0123.jpg"])]
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
            description="Known directions of up to four cameras, degrees clockwise from true north.",
        ),
    ]


class PlaceFeature(Schema):
    """Describe a picture, or a cell of several."""

    type: Annotated[Literal["Feature"], Field(description="The type of the object.")]
    bbox: Annotated[list[float], BBOX]
    geometry: PlacePoint
    properties: PlaceProperties


class TrackLines(Schema):
    """Draw the steps of tracks between the features of the same answer."""

    type: Annotated[Literal["MultiLineString"], Field(description="The type of the object.")]
    coordinates: Annotated[
        list[list[_Degrees]], Field(description="Longitudes and latitudes of the ends of each step.")
    ]


class TrackProperties(Schema):
    """Name the kind of the lines."""

    kind: Annotated[Literal["tracks"], Field(description="Steps from a picture to the next one in time.")]


class TrackFeature(Schema):
    """Describe the tracks: pictures that were taken shortly after each other, and near each other."""

    type: Annotated[Literal["Feature"], Field(description="The type of the object.")]
    geometry: TrackLines
    properties: TrackProperties


class PlaceCollection(Schema):
    """List the pictures of a box: the tracks, if there are any, then pictures and cells."""

    type: Annotated[Literal["FeatureCollection"], Field(description="The type of the object.")]
    features: Annotated[
        list[TrackFeature | PlaceFeature], Field(max_length=2001, description="At most 2,000 pictures and cells.")
    ]
    bbox: Annotated[list[float] | None, BBOX] = None
