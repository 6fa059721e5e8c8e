"""Define the settings of a map that several machines serve: of a shard, and of the front end that asks the shards."""

import re
from typing import Annotated

import httpx
from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from model.errors import InvalidInput
from place_map.shard import MOST_SHARDS, Shard
from service.http_settings import split_by_commas

RAY_SCHEME = "ray:"
"""The beginning of an address of a shard in Ray Serve; the name of its application follows."""

APPLICATION_NAME = r"[A-Za-z0-9._-]+"
"""The characters of the name of an application, as a regular expression."""

_IN_RAY = re.compile(RAY_SCHEME + APPLICATION_NAME)


class ShardSettings(BaseModel):
    """Hold the settings of shards (docs/scale.md)."""

    shard: str | None = Field(
        default=None,
        description=(
            "The part of each map that this server has, such as 1/3: it answers front ends alone. By default all of it."
        ),
    )
    shards: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        max_length=MOST_SHARDS,
        description=(
            "Addresses of all shards, the first one first: http://10.0.0.1:8000, or ray:NAME for an application of Ray "
            "Serve; in the environment separated by commas. This server is then their front end."
        ),
    )
    shard_count: Annotated[int | None, Field(ge=1)] = Field(
        default=None,
        description=(
            "How many of these addresses a front end uses when it starts; by default all. The others are spare, for "
            "more shards later."
        ),
    )
    shard_key: SecretStr | None = Field(
        default=None, description="The key that a front end sends to its shards; it needs the scope read."
    )
    shard_timeout_s: float = Field(
        default=20.0, gt=0, description="Most seconds of a front end's call to a shard, a second try included [503]."
    )

    @field_validator("shard")
    @classmethod
    def _is_a_shard(cls, value: str | None) -> str | None:
        try:
            return None if value is None else str(Shard.parse(value.strip()))
        except InvalidInput as error:
            raise PydanticCustomError(
                "shard", "Input should be a shard such as 1/3: {why}", {"why": error.message}
            ) from error

    @field_validator("shards", mode="before")
    @classmethod
    def _split_shards(cls, value: object) -> object:
        return split_by_commas(value)

    @field_validator("shards")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        addresses = tuple(_address(text) for text in value)
        if len(set(addresses)) < len(addresses):
            raise PydanticCustomError("shards", "Input should name each shard once")
        if len({address.startswith(RAY_SCHEME) for address in addresses}) > 1:
            raise PydanticCustomError("shards", "Input should have all shards at http addresses, or all in Ray")
        return addresses

    @field_validator("shards")
    @classmethod
    def _is_no_shard_itself(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and info.data.get("shard") is not None:
            raise PydanticCustomError("shards", "Input should be left out on a shard: a front end has no part of a map")
        return value

    @field_validator("shard_count")
    @classmethod
    def _has_addresses(cls, value: int | None, info: ValidationInfo) -> int | None:
        addresses = len(info.data.get("shards", ()))
        if value is not None and value > addresses:
            raise PydanticCustomError(
                "shard_count",
                "Input should be at most the number of addresses in shards, which is {addresses}",
                {"addresses": addresses},
            )
        return value

    @field_validator("shard_key")
    @classmethod
    def _can_be_sent(cls, value: SecretStr | None) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value()
        if not text.isascii() or not text.isprintable():
            raise PydanticCustomError("shard_key", "Input should be a key that placefix keys create has printed")
        return value

    @property
    def shards_in_use(self) -> int:
        """Return the number of shards that a front end uses when it starts; 0 on another server."""
        return self.shard_count or len(self.shards)

    @property
    def are_shards_in_ray(self) -> bool:
        """Return whether the shards of this front end are applications of Ray Serve."""
        return any(address.startswith(RAY_SCHEME) for address in self.shards)

    @property
    def map_shard(self) -> Shard | None:
        """Return the part of each map that this server has; None for all of it."""
        return None if self.shard is None else Shard.parse(self.shard)


def _address(text: str) -> str:
    if _IN_RAY.fullmatch(text):
        return text
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise PydanticCustomError(
            "shards",
            "{address} is not the address of a shard: write it as http://10.0.0.1:8000, and the key as shard_key; or "
            "as ray:NAME, with the name of its application in Ray Serve",
            {"address": repr(str(url.copy_with(username=None, password=None)) if url.userinfo else text)},
        )
    return str(url).rstrip("/")
