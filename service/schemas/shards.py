"""Describe the shards that a front end asks."""

from typing import Annotated

from pydantic import Field

from service.schemas.schema import VERSION, Schema


class PartAnswer(Schema):
    """Describe a part of a map that a shard holds."""

    map: Annotated[str, Field(description="The name of the map.", examples=["lund"])]
    version: Annotated[str, VERSION]
    shard: Annotated[str, Field(description="The part, and the number of parts.", examples=["1/3"])]
    matcher: Annotated[str, Field(description="The way in which mutual matches are counted there.")]


class ShardAnswer(Schema):
    """Describe a shard, as the front end saw it last."""

    address: Annotated[str, Field(description="Its address.", examples=["http://10.0.0.1:8000"])]
    problem: Annotated[str | None, Field(description="The reason why it cannot be asked; null if it can be.")]
    parts: Annotated[list[PartAnswer], Field(description="The parts that it holds.")]


class ShardList(Schema):
    """List the shards of a front end."""

    shards: Annotated[
        list[ShardAnswer], Field(description="The shards, the first one first; none if the server is not a front end.")
    ]
