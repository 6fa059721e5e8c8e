"""Define the base of all schemas, and the fields that several of them have."""

from pydantic import BaseModel, ConfigDict, Field

LATITUDE = Field(ge=-90, le=90, description="WGS84 latitude in degrees, north positive.", examples=[55.70584])
LONGITUDE = Field(ge=-180, le=180, description="WGS84 longitude in degrees, east positive.", examples=[13.19321])
HEADING = Field(
    ge=0,
    lt=360,
    description="Where the camera looked to, in degrees clockwise from true north; null if unknown.",
    examples=[271.5],
)
VERSION = Field(description="Changes whenever the map's pictures do.", examples=["000001"])


class Schema(BaseModel):
    """Allow exactly the named members; the base of all answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)
