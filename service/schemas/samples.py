"""The pictures that the page at / offers to ask with."""

from typing import Annotated

from pydantic import Field

from service.schemas.schema import HEADING, LATITUDE, LONGITUDE, Schema


class SampleAnswer(Schema):
    """A picture to ask with, and where it was taken if that is known."""

    id: Annotated[str, Field(description="The sample's id.", examples=["night/0007.jpg"])]
    url: Annotated[
        str, Field(description="Where the picture is, relative to this document.", examples=["samples/night/0007.jpg"])
    ]
    latitude: Annotated[float | None, LATITUDE]
    longitude: Annotated[float | None, LONGITUDE]
    heading_deg: Annotated[float | None, HEADING]
    condition: Annotated[
        str | None, Field(description="How it was when the picture was taken; null if unknown.", examples=["night"])
    ]


class SampleList(Schema):
    """The pictures to ask with."""

    samples: Annotated[list[SampleAnswer], Field(description="In their order.")]
