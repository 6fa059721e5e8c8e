"""The versions of a map, and which of them is to be served."""

from typing import Annotated

from pydantic import Field

from service.schemas.schema import VERSION, Schema

_NUMBER = r"^[0-9]{1,12}$"


class VersionSummary(Schema):
    """A version of a map that is on the disk."""

    version: Annotated[str, VERSION]
    pictures: Annotated[int, Field(ge=0, description="Pictures in it.", examples=[128])]
    parent: Annotated[str | None, Field(description="The version that it was made from; null for the first.")]
    change: Annotated[str, Field(description="What was done to that.", examples=["add"])]
    created_at: Annotated[str, Field(description="When it was made.", examples=["2027-01-05T09:30:00+00:00"])]
    own_bytes: Annotated[int, Field(ge=0, description="Bytes on the disk that no other version shares.")]
    is_current: Annotated[bool, Field(description="Whether the map's CURRENT names it.")]
    is_served: Annotated[bool, Field(description="Whether queries are answered from it now.")]


class VersionList(Schema):
    """The versions of a map."""

    versions: Annotated[list[VersionSummary], Field(description="The oldest first.")]


class Activation(Schema):
    """Which version of a map is to be served."""

    version: Annotated[str, Field(pattern=_NUMBER, description="Its number.", examples=["000003"])]
    expected_version: Annotated[
        str | None,
        Field(
            pattern=_NUMBER,
            description="The version that must be served now; if it is another one, nothing is done.",
            examples=["000002"],
        ),
    ] = None
