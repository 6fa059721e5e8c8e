"""Describe the pictures that the page at / offers to ask with."""

from typing import Annotated

from pydantic import Field

from service.schemas.schema import HEADING, LATITUDE, LONGITUDE, Schema


class SampleAnswer(Schema):
    """Describe a picture to ask with, and where it was taken if that is known."""

    id: Annotated[str, Field(description="The sample's id.", examples=["night/0007.jpg"])]
    url: Annotated[
        str,
        Field(
            description="The address of the picture, relative to this document.", examples=["samples/night/0007.jpg"]
        ),
    ]
    latitude: Annotated[float | None, LATITUDE]
    longitude: Annotated[float | None, LONGITUDE]
    heading_deg: Annotated[float | None, HEADING]
    condition: Annotated[
        str | None, Field(description="The condition when the picture was taken; null if unknown.", examples=["night"])
    ]


class SampleList(Schema):
    """List the pictures to ask with."""

    samples: Annotated[list[SampleAnswer], Field(description="The samples, in their order.")]
