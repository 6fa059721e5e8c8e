"""The pictures of a training: a database and queries with positions."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from model.places import Place


@dataclass(frozen=True)
class TrainingSet:
    """Hold the two sides of a data set; validation has the same form.

    Attributes:
        database: The source of positives and negatives.
        queries: The pictures that are searched for in the database.
    """

    database: Sequence[Place]
    queries: Sequence[Place]

    def fingerprint(self) -> str:
        """Return the SHA-256 of ids and positions in their order, 64 hex digits; equal ones mean equal rows."""
        digest = hashlib.sha256()
        for side in (self.database, self.queries):
            digest.update(f"{len(side)} pictures\n".encode())
            for place in side:
                position = place.position
                digest.update(f"{place.id}\n{position.latitude!r} {position.longitude!r}\n".encode())
        return digest.hexdigest()
