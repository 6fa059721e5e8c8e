"""Define the parts of maps that a front end needs from a shard, and those that the shard holds, as JSON."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter

from service.shard_identity import Part, ShardIdentity

SHARD_PATH = "/shard"
"""The path at which a front end tells which parts it needs, and a shard which it holds."""

MOST_WANTED = 1000
"""The most parts that a front end may need from one shard."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Tell a shard which parts a front end needs from now on.

    Attributes:
        front: A text that no other front end has.
        parts: The parts; none if the front end leaves.
    """

    front: Annotated[str, Field(min_length=1, max_length=64)]
    parts: Annotated[tuple[Part, ...], Field(max_length=MOST_WANTED)]


@dataclass(frozen=True, slots=True)
class RefusedPart:
    """Tell why a shard does not hold a part that a front end needs.

    Attributes:
        part: The part.
        reason: The rest of a sentence that begins with the shard.
    """

    part: Part
    reason: str


@dataclass(frozen=True, slots=True)
class ShardState:
    """Hold the parts for which a shard can be asked.

    Attributes:
        held: The identities of the shard, one for each part that it answers for.
        refused: The parts that it does not bring in, with reasons.
        replicas: The number of replicas of the shard that answer.
    """

    held: tuple[ShardIdentity, ...]
    refused: tuple[RefusedPart, ...] = ()
    replicas: int = 1

    def identity_of(self, part: Part) -> ShardIdentity | None:
        """Return the identity with which the shard answers for a part; None if it does not hold the part."""
        return next((identity for identity in self.held if identity.part == part), None)

    def reason_against(self, part: Part) -> str | None:
        """Return why the shard does not bring a part in; None if it holds the part, or will."""
        return next((each.reason for each in self.refused if each.part == part), None)


WANTED = TypeAdapter(Wanted)
"""The body of ``POST /shard``, as JSON."""

SHARD_STATE = TypeAdapter(ShardState)
"""The answer of ``POST /shard``, as JSON."""
