"""The codebook of a map's local features, as the manifest keeps it: every version can be read by its manifest alone."""

import base64
import hashlib
from functools import lru_cache
from math import prod
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from place_map.learned_codes import ENTRIES, LearnedBits, LearnedCodes, learned_width
from place_map.manifest_part import ManifestPart, Sha256

_LEAST_ORTHOGONAL = 1e-3
_KEPT = 8  # codebooks that stay decoded: one for each map of a server


class CodebookEntry(ManifestPart):
    """Hold a codebook (``place_map.learned_codes``).

    Attributes:
        rotation: The base64 of C × C float32, little-endian, row by row.
        entries: The base64 of width × 256 × (channels of a byte) int8.
        unit: The number that a code of 1 stands for in a feature of length 1.
        cosine: The mean cosine between a feature and its codes.
        sha256: The sum of the bytes of the rotation, then of the entries.
    """

    rotation: str
    entries: str
    unit: Annotated[float, Field(gt=0)]
    cosine: Annotated[float, Field(gt=0, le=1 + 1e-6)]
    sha256: Sha256

    @classmethod
    def of(cls, learned: LearnedCodes) -> Self:
        """Return the entry of a codebook."""
        rotation, entries = learned.rotation.astype("<f4").tobytes(), learned.entries.tobytes()
        return cls(
            rotation=base64.b64encode(rotation).decode(),
            entries=base64.b64encode(entries).decode(),
            unit=learned.unit,
            cosine=learned.cosine,
            sha256=hashlib.sha256(rotation + entries).hexdigest(),
        )

    def codes(self, channels: int, bits: LearnedBits) -> LearnedCodes:
        """Return the codebook.

        Args:
            channels: C.
            bits: The bits of a number.

        Raises:
            ValueError: The codebook is of other features.
        """
        return _decoded(self, channels, bits)

    @model_validator(mode="after")
    def _has_its_sum(self) -> Self:
        content = base64.b64decode(self.rotation, validate=True) + base64.b64decode(self.entries, validate=True)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ValueError("the codebook of the local features does not have its sum")
        return self


@lru_cache(maxsize=_KEPT)
def _decoded(entry: CodebookEntry, channels: int, bits: LearnedBits) -> LearnedCodes:
    rotation = np.frombuffer(base64.b64decode(entry.rotation), "<f4")
    entries = np.frombuffer(base64.b64decode(entry.entries), np.int8)
    shape = (learned_width(channels, bits), ENTRIES, 8 // bits)
    if rotation.size != channels**2 or entries.size != prod(shape):
        raise ValueError(f"the codebook of the local features is not for {channels} channels of {bits} bits")
    rotation = rotation.reshape(channels, channels).astype(np.float32)
    if np.abs(rotation.T @ rotation - np.eye(channels)).max(initial=0) > _LEAST_ORTHOGONAL:
        raise ValueError("the rotation of the local features is not orthogonal")
    return LearnedCodes(rotation, entries.reshape(shape).copy(), entry.unit, entry.cosine)
