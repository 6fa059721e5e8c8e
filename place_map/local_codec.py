"""The stored form of local features: floats, integers of eight or four bits, or signs.

Features have length 1, so only their direction is stored. A *code* is an integer that is proportional to a number of
the feature; the factor belongs to the feature and is not stored. A comparison divides the codes by their length
(``model.codes``). Without this division, rounding would leave some features longer than others, and a longer feature is
nearest to too many cells: with the demo's network, eight bits would change a count of 660 by 80; with it they change
the count by 5.

=========  ==================  ================  ========================================================
store      locals.npy          3721 × 128 bytes  a number of a feature
=========  ==================  ================  ========================================================
float32    float32             1,905,152         as the network computed it
float16    float16               952,576         rounded
int8       int8                  476,288         -127 to 127, which is the largest one of the feature
int4       uint8, two a byte     238,144         -7 to 7, which is 2.4 times the root mean square, and beyond
pq2        uint8, four a byte    119,072         by a codebook that is learned for the map (``learned_codes``)
pq1        uint8, eight a byte    59,536         the same
binary     uint8, eight a byte    59,536         1 if it is positive, else -1
=========  ==================  ================  ========================================================

Eight bits can represent the largest number of any feature. Four bits cannot. The numbers of the demo's network are
nearly normally distributed; for that distribution, 15 codes at equal distances lose least if they end at 2.4 times the
root mean square.

Queries are not rounded: their features are compared in the precision of the network. Where features are rotated before
they are stored, so is a query before it is compared.

Some re-rankers need a few more numbers of a feature, such as where it lies. These *extras* follow the stored feature as
float32, whatever the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.codes import as_features
from place_map.feature_store import TORCH_TYPES, ArrayType, FloatType, StoredArray, bytes_per_value
from place_map.learned_codes import LARGEST_CODE, LearnedBits, LearnedCodes, learned_width
from place_map.packing import PackedBits, pack, packed_width, unpack

StoreType = Literal["float32", "float16", "int8", "int4", "pq2", "pq1", "binary"]
STORES: tuple[StoreType, ...] = get_args(StoreType)

LEARNED: Mapping[StoreType, LearnedBits] = {"pq2": 2, "pq1": 1}
"""The stores with a codebook, and the bits of a number."""

_INT4_LIMIT = 2.4  # root mean squares
_EXTRA_BYTES = 4  # float32


@dataclass(frozen=True)
class LocalCodec:
    """Convert local features ``(N, C)`` of a picture, and their extras ``(N, E)``, to and from a row of ``locals.npy``.

    Attributes:
        store: The name of the stored form.
        channels: C.
        extras: E.
        learned: The codebook of the map, for the stores in ``LEARNED``.
    """

    store: StoreType
    channels: int
    extras: int = 0
    learned: LearnedCodes | None = None

    @property
    def array_type(self) -> ArrayType:
        """Return the type of the values of ``locals.npy``."""
        types: dict[StoreType, ArrayType] = {"float32": "float32", "float16": "float16", "int8": "int8"}
        return types.get(self.store, "uint8")

    @property
    def is_packed(self) -> bool:
        """Return whether several codes share a byte, so that a reader gets other values than the stored ones."""
        return self.array_type == "uint8"

    @property
    def decoded_type(self) -> torch.dtype:
        """Return the type of the values after reading: floats as stored, or one code per byte, int8."""
        return torch.int8 if self.is_packed else TORCH_TYPES[self.array_type]

    @property
    def packed_bits(self) -> PackedBits | None:
        """Return the bits of a code if several codes share a byte, each in bits of its own."""
        bits: dict[StoreType, PackedBits] = {"int4": 4, "binary": 1}
        return bits.get(self.store)

    @property
    def largest_code(self) -> int | None:
        """Return the largest absolute code; None for floats, which are read as stored."""
        if self.store in LEARNED:
            return LARGEST_CODE
        return {"int8": 127, "int4": 7, "binary": 1}.get(self.store)

    @property
    def coded_width(self) -> int:
        """Return how many values of ``locals.npy`` hold the channels of a feature."""
        if self.store in LEARNED:
            return learned_width(self.channels, LEARNED[self.store])
        return packed_width(self.channels, self.packed_bits) if self.packed_bits else self.channels

    @property
    def width(self) -> int:
        """Return how many values of ``locals.npy`` hold a feature: its channels, then its extras."""
        return self.coded_width + self.extras * _EXTRA_BYTES // bytes_per_value(self.array_type)

    def bytes_per_picture(self, cells: int) -> int:
        """Return the bytes of the N features of a picture on the disk."""
        return cells * self.width * bytes_per_value(self.array_type)

    def encode(self, features: Tensor, extras: Tensor | None = None) -> Tensor:
        """Round features on their device, so that fewer bytes leave it.

        Args:
            features: ``(…, C)`` float32, finite.
            extras: ``(…, E)`` float32, finite, which are not rounded; None if E is 0.

        Returns:
            ``(…, width)`` of ``array_type``.
        """
        coded = self._encode_channels(features)
        if not self.extras:
            return coded
        assert extras is not None and extras.shape == (*features.shape[:-1], self.extras)  # noqa: PT018, S101
        return torch.cat((coded, extras.contiguous().view(coded.dtype)), dim=-1)

    def codes(self, stored: StoredArray) -> NDArray[np.int8]:
        """Return the codes ``(…, C)`` in values ``(…, width)`` of a store with codes."""
        if not self.is_packed:
            return cast("NDArray[np.int8]", self.channels_of(stored))
        codes = np.empty((*stored.shape[:-1], self.channels), np.int8)
        self.decode(stored, codes)
        return codes

    def channels_of(self, stored: StoredArray) -> StoredArray:
        """Return the part ``(…, coded_width)`` of values ``(…, width)`` that holds the channels."""
        return stored[..., : self.coded_width]

    def extras_of(self, stored: StoredArray) -> NDArray[np.float32]:
        """Return the extras ``(…, E)`` in values ``(…, width)``."""
        return np.ascontiguousarray(stored[..., self.coded_width :]).view(np.float32)

    def decode(self, stored: StoredArray, out: NDArray[np.generic]) -> None:
        """Read features, or their codes.

        Args:
            stored: ``(…, width)`` of ``array_type``, or its first ``coded_width`` values.
            out: ``(…, C)`` of ``decoded_type``, contiguous; the result is written to it.
        """
        coded = self.channels_of(stored)
        if not self.is_packed:
            out[...] = coded
            return
        packed, codes = cast("NDArray[np.uint8]", coded), cast("NDArray[np.int8]", out)
        if self.packed_bits is None:
            self._codebook().decode(packed, codes)
        else:
            unpack(packed, self.packed_bits, codes)

    def round_trip(self, features: Tensor) -> Tensor:
        """Return the values that are read after features ``(…, C)`` were stored: ``decoded_type`` on the CPU."""
        decoded = torch.empty(features.shape, dtype=self.decoded_type)
        self.decode(self._encode_channels(features).cpu().numpy(), decoded.numpy())
        return decoded

    def _encode_channels(self, features: Tensor) -> Tensor:
        """Return ``(…, coded_width)`` of features ``(…, C)``."""
        if self.store in LEARNED:
            return self._codebook().encode(features)
        if self.largest_code is None:
            return features.to(self.decoded_type)
        if self.store == "binary":
            codes = (features > 0).to(torch.int8) * 2 - 1
        else:
            codes = _scaled(features, self.largest_code, limit=_INT4_LIMIT if self.store == "int4" else None)
        return pack(codes, self.packed_bits) if self.packed_bits else codes

    def as_compared(self, query: Tensor) -> Tensor:
        """Return a query's features ``(…, C)`` in the form in which they are compared with read values."""
        return query if self.learned is None else self.learned.rotate(query)

    def restore(self, read: Tensor) -> Tensor:
        """Return the features ``(…, C)`` float32 for which read values stand, in the form of a query."""
        return as_features(read) if self.learned is None else self.learned.restore(read)

    @property
    def cosine(self) -> float:
        """Return the factor by which rounding diminishes the cosine of a query and a feature, on average."""
        return 1.0 if self.learned is None else self.learned.cosine

    def _codebook(self) -> LearnedCodes:
        if self.learned is None:
            raise ValueError(f"the store {self.store} needs the codebook of its map")
        return self.learned


def global_type(store: StoreType) -> FloatType:
    """Return the type of the global features beside these local ones; they are small, so they are never rounded
    further.
    """
    return "float32" if store == "float32" else "float16"


def _scaled(features: Tensor, largest: int, limit: float | None) -> Tensor:
    """Return codes ``(…, C)`` int8 from -largest to largest.

    Args:
        features: ``(…, C)``.
        largest: The code of numbers at the limit or beyond.
        limit: The limit in root mean squares of the feature; None for its largest number.
    """
    codes = torch.empty(features.shape, dtype=torch.int8, device=features.device)
    if features.numel():
        pictures = features.reshape(-1, *features.shape[-2:]), codes.view(-1, *codes.shape[-2:])
        for picture, of_picture in zip(
            *pictures, strict=True
        ):  # one picture at a time, so that its numbers stay in the cache
            of_picture.copy_(_scaled_picture(picture, largest, limit))
    return codes


def _scaled_picture(features: Tensor, largest: int, limit: float | None) -> Tensor:
    """Return the codes of one picture ``(N, C)``, as floats."""
    least, most = features.aminmax(dim=-1, keepdim=True)
    reached = torch.maximum(-least, most)
    # The largest number becomes 1 first, because squares of very small and very large numbers would leave the range of
    # floats.
    relative = features / torch.where(reached > 0, reached, 1.0)
    if limit is not None:
        root_mean_square = relative.square().mean(dim=-1, keepdim=True).sqrt()
        relative /= torch.where(reached > 0, limit * root_mean_square, 1.0).clamp(max=1.0)
    return relative.mul_(largest).round_().clamp_(-largest, largest)
