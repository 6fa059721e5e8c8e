"""Describe the versions of a map, and choose the one to serve."""

from typing import Annotated

from pydantic import Field

from place_map.shard import MOST_SHARDS
from service.schemas.schema import VERSION, Schema

_NUMBER = r"^[0-9]{1,12}$"


class VersionSummary(Schema):
    """Describe a version of a map that is on the disk."""

    version: Annotated[str, VERSION]
    pictures: Annotated[int, Field(ge=0, description="The number of its pictures.", examples=[128])]
    parent: Annotated[str | None, Field(description="The version that it was made from; null for the first.")]
    change: Annotated[str, Field(description="The change from its parent.", examples=["add"])]
    created_at: Annotated[str, Field(description="The time when it was made.", examples=["2027-01-05T09:30:00+00:00"])]
    own_bytes: Annotated[int, Field(ge=0, description="Bytes on the disk that no other version shares.")]
    is_current: Annotated[bool, Field(description="Whether the map's CURRENT names it.")]
    is_served: Annotated[bool, Field(description="Whether queries are answered from it now.")]


class VersionList(Schema):
    """List the versions of a map."""

    versions: Annotated[list[VersionSummary], Field(description="The versions, the oldest first.")]


class Activation(Schema):
    """Choose the version of a map to serve."""

    version: Annotated[str, Field(pattern=_NUMBER, description="The number of the version.", examples=["000003"])]
    expected_version: Annotated[
        str | None,
        Field(
            pattern=_NUMBER,
            description="The version that must be served now; if it is another one, nothing is done.",
            examples=["000002"],
        ),
    ] = None
    shards: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_SHARDS,
            description="The number of shards that are to hold it, if this server is a front end; by default as many "
            "as now.",
            examples=[3],
        ),
    ] = None
