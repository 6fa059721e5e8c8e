"""The codebook of a map's local features, as the manifest keeps it: every version can be read by its manifest alone."""

import base64
import hashlib
from functools import lru_cache
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from place_map.block_codes import ENTRIES, EXACT_BELOW, BlockCodes
from place_map.manifest_part import ManifestPart, Sha256

_KEPT = 8  # codebooks that stay decoded: one for each map of a server


class CodebookEntry(ManifestPart):
    """Hold a codebook (``place_map.block_codes``).

    Attributes:
        side: The rows and the columns of cells in a block.
        widths: The number of axes of each byte; their sum is K.
        axes: The base64 of K × (side · side · C) int16, little-endian, axis by axis.
        entries: The base64 of K × 256 int16.
        unit: The product of a block and an axis for which an entry of 1 stands.
        cosine: The mean cosine between a feature and its codes.
        sha256: The sum of the bytes of the axes, then of the entries.
    """

    side: Literal[1, 2, 4]
    widths: Annotated[tuple[PositiveInt, ...], Field(strict=False)]  # a list in JSON
    axes: str
    entries: str
    unit: Annotated[float, Field(gt=0)]
    cosine: Annotated[float, Field(gt=0, le=1)]
    sha256: Sha256

    @classmethod
    def of(cls, codes: BlockCodes) -> Self:
        """Return the entry of a codebook."""
        axes, entries = (array.astype("<i2").tobytes() for array in (codes.axes, codes.entries))
        return cls.model_validate(
            {
                "side": codes.side,
                "widths": codes.widths,
                "axes": base64.b64encode(axes).decode(),
                "entries": base64.b64encode(entries).decode(),
                "unit": codes.unit,
                "cosine": codes.cosine,
                "sha256": hashlib.sha256(axes + entries).hexdigest(),
            }
        )

    def codes(self, grid: tuple[int, int], channels: int) -> BlockCodes:
        """Return the codebook.

        Args:
            grid: Rows and columns of cells.
            channels: C.

        Raises:
            ValueError: The codebook is of other features.
        """
        return _decoded(self, grid, channels)

    @model_validator(mode="after")
    def _has_its_sum(self) -> Self:
        content = base64.b64decode(self.axes, validate=True) + base64.b64decode(self.entries, validate=True)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ValueError("the codebook of the local features does not have its sum")
        return self


@lru_cache(maxsize=_KEPT)
def _decoded(entry: CodebookEntry, grid: tuple[int, int], channels: int) -> BlockCodes:
    axes, entries = (
        np.frombuffer(base64.b64decode(text), "<i2").astype(np.int16) for text in (entry.axes, entry.entries)
    )
    count, numbers = sum(entry.widths), entry.side**2 * channels
    if axes.size != count * numbers or entries.size != count * ENTRIES:
        raise ValueError(f"the codebook of the local features is not for {channels} channels")
    codes = BlockCodes(
        grid,
        entry.side,
        axes.reshape(count, numbers),
        entry.widths,
        entries.reshape(count, ENTRIES),
        entry.unit,
        entry.cosine,
    )
    if codes.largest_sum >= EXACT_BELOW:
        raise ValueError("the codebook of the local features has sums that are not exact")
    return codes
