"""Identify a shard field by field: a front end asks no shard with another identity than expected."""

from dataclasses import dataclass, fields, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version

from model.encoder import Encoder
from place_map.reader import PlaceMap
from place_map.shard import Shard


@dataclass(frozen=True, slots=True)
class Part:
    """Name a part of a version of a map.

    Attributes:
        map: The name of the map.
        version: The version of the map.
        shard: The part, such as ``1/3``.
    """

    map: str
    version: str
    shard: str

    def __str__(self) -> str:
        return f"{self.map} {self.version} {self.shard}"


@dataclass(frozen=True, slots=True)
class ShardIdentity:
    """Hold all properties on which an answer of a shard depends, beside the query.

    Attributes:
        release: The version of Placefix.
        map: The name of the map.
        version: The version of the map.
        manifest: The SHA-256 of the version's manifest, which names all of its files by their sums.
        network: The fingerprint of the network.
        encoding: The arithmetic of the network.
        matcher: The instructions and numbers that compare local features.
        search: The rule by which the search index proposes pictures (``Searcher.rule``).
        shard: The part of the map, such as ``1/3``.
    """

    release: str
    map: str
    version: str
    manifest: str
    network: str
    encoding: str
    matcher: str
    search: str
    shard: str

    @classmethod
    def of(cls, encoder: Encoder, place_map: PlaceMap, matcher: str, search: str, shard: Shard) -> "ShardIdentity":
        """Return the identity of a part of a map, in this release.

        Args:
            encoder: The network.
            place_map: The map, or the part.
            matcher: The instructions and numbers that compare local features.
            search: The rule by which the search index proposes pictures.
            shard: The part.
        """
        return cls(
            release=_release(),
            map=place_map.name,
            version=place_map.version,
            manifest=sha256(place_map.manifest.to_json()).hexdigest(),
            network=encoder.fingerprint,
            encoding=encoder.precision,
            matcher=matcher,
            search=search,
            shard=str(shard),
        )

    @property
    def part(self) -> Part:
        """Return the part of a map that the shard has."""
        return Part(self.map, self.version, self.shard)

    def difference(self, expected: "ShardIdentity") -> str | None:
        """Name the fields in which this differs from the expected identity; return None if it is the same."""
        differing = [
            f"{field.name} {getattr(self, field.name) or 'none'} instead of {getattr(expected, field.name) or 'none'}"
            for field in fields(self)
            if getattr(self, field.name) != getattr(expected, field.name)
        ]
        return ", ".join(differing) or None

    def computed_as(self, other: "ShardIdentity") -> "ShardIdentity":
        """Return the identity with the matcher and the search of another shard."""
        return replace(self, matcher=other.matcher, search=other.search)


@cache
def _release() -> str:
    return version("placefix")
