"""What a network is trained on: pictures with positions, and those among them that a triplet can be made of."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from model.places import Place


@dataclass(frozen=True)
class TrainingSet:
    """The two sides of a data set; validation has the same form.

    Attributes:
        database: Where positives and negatives come from.
        queries: What is looked for in it.
    """

    database: Sequence[Place]
    queries: Sequence[Place]

    def fingerprint(self) -> str:
        """SHA-256 over ids and positions in their order, 64 hex digits: the same one means that rows mean the same."""
        digest = hashlib.sha256()
        for side in (self.database, self.queries):
            digest.update(f"{len(side)} pictures\n".encode())
            for place in side:
                position = place.position
                digest.update(f"{place.id}\n{position.latitude!r} {position.longitude!r}\n".encode())
        return digest.hexdigest()
