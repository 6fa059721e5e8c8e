"""What the local features of a picture are stored as: floats, whole numbers of eight or four bits, or signs.

Features have length 1, so their direction is all there is to keep. A *code* is a whole number that is proportional to a
number of the feature, by a factor that belongs to the feature and is not stored: who compares it divides the codes by
their length (``model.codes``). Without that, rounding would leave some features longer than others, and a long one is
nearest to more cells than it ought to be: on the demo's network eight bits would change a count of 660 by 80, and so
change it by 5.

=========  ==================  ================  ========================================================
store      locals.npy          3721 × 128 bytes  a number of a feature
=========  ==================  ================  ========================================================
float32    float32             1,905,152         as the network computed it
float16    float16               952,576         rounded
int8       int8                  476,288         -127 to 127, which is the largest one of the feature
int4       uint8, two a byte     238,144         -7 to 7, which is 2.4 times the root mean square, and beyond
binary     uint8, eight a byte    59,536         1 if it is positive, else -1
=========  ==================  ================  ========================================================

Eight bits are enough to cut nothing off, however few channels hold most of a feature. Four are not. Of normally
distributed numbers, which those of the demo's network nearly are, 15 codes at equal distances lose least if they end at
2.4 times the root mean square.

Queries are not rounded: their features are compared as the network computed them.
"""

from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from place_map.feature_store import TORCH_TYPES, ArrayType, FloatType, StoredArray, bytes_per_value
from place_map.packing import PackedBits, pack, packed_width, unpack

StoreType = Literal["float32", "float16", "int8", "int4", "binary"]
STORES: tuple[StoreType, ...] = get_args(StoreType)

_INT4_LIMIT = 2.4  # root mean squares


@dataclass(frozen=True)
class LocalCodec:
    """How local features ``(N, C)`` of a picture become a row of ``locals.npy``, and what is read from it.

    Attributes:
        store: Its name.
        channels: C.
    """

    store: StoreType
    channels: int

    @property
    def array_type(self) -> ArrayType:
        """Type of the values of ``locals.npy``."""
        return "uint8" if self.store == "int4" or self.store == "binary" else self.store  # noqa: PLR1714  (for mypy)

    @property
    def decoded_type(self) -> torch.dtype:
        """Type of what is read: floats as they are stored, or a code in each byte, int8."""
        return torch.int8 if self.packed_bits else TORCH_TYPES[self.array_type]

    @property
    def packed_bits(self) -> PackedBits | None:
        """Bits of a code, where several share a byte."""
        bits: dict[StoreType, PackedBits] = {"int4": 4, "binary": 1}
        return bits.get(self.store)

    @property
    def largest_code(self) -> int | None:
        """The largest absolute code; None for floats, which are read as they are stored."""
        return {"int8": 127, "int4": 7, "binary": 1}.get(self.store)

    @property
    def width(self) -> int:
        """How many values of ``locals.npy`` hold the channels of a feature."""
        return packed_width(self.channels, self.packed_bits) if self.packed_bits else self.channels

    def bytes_per_picture(self, cells: int) -> int:
        """Bytes of the N features of a picture on the disk."""
        return cells * self.width * bytes_per_value(self.array_type)

    def encode(self, features: Tensor) -> Tensor:
        """Rounds features on their device: less has to leave it.

        Args:
            features: ``(…, C)`` float32, finite.

        Returns:
            ``(…, width)`` of ``array_type``.
        """
        if self.largest_code is None:
            return features.to(self.decoded_type)
        if self.store == "binary":
            codes = (features > 0).to(torch.int8) * 2 - 1
        else:
            codes = _scaled(features, self.largest_code, limit=_INT4_LIMIT if self.store == "int4" else None)
        return pack(codes, self.packed_bits) if self.packed_bits else codes

    def codes(self, stored: StoredArray) -> NDArray[np.int8]:
        """The codes ``(…, C)`` in values ``(…, width)`` of a store that has codes."""
        if self.packed_bits is None:
            return cast("NDArray[np.int8]", stored)
        codes = np.empty((*stored.shape[:-1], self.channels), np.int8)
        unpack(cast("NDArray[np.uint8]", stored), self.packed_bits, codes)
        return codes

    def decode(self, stored: StoredArray, out: NDArray[np.generic]) -> None:
        """Reads features, or their codes.

        Args:
            stored: ``(…, width)`` of ``array_type``.
            out: ``(…, C)`` of ``decoded_type``, contiguous; written to.
        """
        if self.packed_bits is None:
            out[...] = stored
        else:
            unpack(cast("NDArray[np.uint8]", stored), self.packed_bits, cast("NDArray[np.int8]", out))

    def round_trip(self, features: Tensor) -> Tensor:
        """What is read of features ``(…, C)`` that were stored: ``decoded_type`` on the CPU."""
        decoded = torch.empty(features.shape, dtype=self.decoded_type)
        self.decode(self.encode(features).cpu().numpy(), decoded.numpy())
        return decoded


def global_type(store: StoreType) -> FloatType:
    """The type of the global features beside such local ones: they are few, so they are never rounded further."""
    return "float32" if store == "float32" else "float16"


def _scaled(features: Tensor, largest: int, limit: float | None) -> Tensor:
    """Codes ``(…, C)`` int8 from -largest to largest.

    Args:
        features: ``(…, C)``.
        largest: The code of what is at the limit or beyond.
        limit: In root mean squares of the feature; None for its largest number.
    """
    codes = torch.empty(features.shape, dtype=torch.int8, device=features.device)
    if features.numel():
        pictures = features.reshape(-1, *features.shape[-2:]), codes.view(-1, *codes.shape[-2:])
        for picture, of_picture in zip(*pictures, strict=True):  # one at a time: its numbers stay in the cache
            of_picture.copy_(_scaled_picture(picture, largest, limit))
    return codes


def _scaled_picture(features: Tensor, largest: int, limit: float | None) -> Tensor:
    """Codes of one picture ``(N, C)``, as floats."""
    least, most = features.aminmax(dim=-1, keepdim=True)
    reached = torch.maximum(-least, most)
    # First so that the largest number is 1: squares of very small and very large ones would leave the range of floats.
    relative = features / torch.where(reached > 0, reached, 1.0)
    if limit is not None:
        root_mean_square = relative.square().mean(dim=-1, keepdim=True).sqrt()
        relative /= torch.where(reached > 0, limit * root_mean_square, 1.0).clamp(max=1.0)
    return relative.mul_(largest).round_().clamp_(-largest, largest)
