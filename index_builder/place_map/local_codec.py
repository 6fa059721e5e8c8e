"""What the local features of a picture are stored as: floats, whole numbers of eight or four bits, or signs.

Re-ranking counts mutual nearest neighbours by dot product, and a factor that all features of a picture have in common
changes no nearest neighbour. So what is stored are *codes*, whole numbers that are proportional to the features, and
the matcher multiplies them as they are with the features of the query, which are never rounded. The factor is not
stored: the features had length 1, so who wants them back divides each one by its length.

=========  ==================  ================  ========================================================
store      locals.npy          3721 × 128 bytes  a code
=========  ==================  ================  ========================================================
float32    float32             1,905,152         the feature, to the last bit
float16    float16               952,576         the feature, rounded
int8       int8                  476,288         -127 to 127, which is the largest number of the picture
int4       uint8, two a byte     238,144         -7 to 7, which is 2.4 times the root mean square, and beyond
binary     uint8, eight a byte    59,536         1 for positive numbers, -1 for others
=========  ==================  ================  ========================================================

Eight bits are enough to cut nothing off, however few channels hold most of a feature. Four are not. Of normally
distributed numbers, which those of the demo's network nearly are, 15 codes at equal distances lose least if they end at
2.4 times the root mean square (docs/decisions/0008-what-local-features-are-stored-as.md).
"""

from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from index_builder.place_map.feature_store import TORCH_TYPES, ArrayType, FloatType, StoredArray, bytes_per_value
from index_builder.place_map.packing import PackedBits, pack, packed_width, unpack

StoreType = Literal["float32", "float16", "int8", "int4", "binary"]
STORES: tuple[StoreType, ...] = get_args(StoreType)

_INT4_LIMIT = 2.4  # root mean squares


@dataclass(frozen=True)
class LocalCodec:
    """How local features ``(N, C)`` of a picture become a row of ``locals.npy``, and what is read from it.

    Attributes:
        store: Its name.
    """

    store: StoreType

    @property
    def array_type(self) -> ArrayType:
        """Type of the values of ``locals.npy``."""
        return "uint8" if self.store == "int4" or self.store == "binary" else self.store  # noqa: PLR1714  (for mypy)

    @property
    def decoded_type(self) -> torch.dtype:
        """Type of what ``decode`` writes."""
        return torch.int8 if self.packed_bits else TORCH_TYPES[self.array_type]

    @property
    def packed_bits(self) -> PackedBits | None:
        """Bits of a code, where several share a byte; None where a row is read as it is."""
        bits: dict[StoreType, PackedBits] = {"int4": 4, "binary": 1}
        return bits.get(self.store)

    @property
    def largest_code(self) -> int | None:
        """The largest absolute code; None for floats."""
        return {"int8": 127, "int4": 7, "binary": 1}.get(self.store)

    def width(self, channels: int) -> int:
        """How many values of ``locals.npy`` hold the C channels of a feature."""
        return packed_width(channels, self.packed_bits) if self.packed_bits else channels

    def bytes_per_picture(self, cells: int, channels: int) -> int:
        """Bytes of the N features of a picture on the disk."""
        return cells * self.width(channels) * bytes_per_value(self.array_type)

    def encode(self, features: Tensor) -> Tensor:
        """Rounds features on their device: less has to leave it.

        Args:
            features: ``(b, N, C)`` float32, finite.

        Returns:
            ``(b, N, width(C))`` of ``array_type``.
        """
        codes = self._codes(features)
        return pack(codes, self.packed_bits) if self.packed_bits else codes

    def decode(self, row: StoredArray, out: NDArray[np.generic]) -> None:
        """Reads a row: features, or codes that are proportional to them.

        Args:
            row: ``(…, N, width(C))`` of ``array_type``.
            out: ``(…, N, C)`` of ``decoded_type``, contiguous; written to.
        """
        if self.packed_bits:
            unpack(cast("NDArray[np.uint8]", row), self.packed_bits, cast("NDArray[np.int8]", out))
        else:
            out[...] = row

    def round_trip(self, features: Tensor) -> Tensor:
        """What is read of features ``(b, N, C)`` that were stored, on the CPU."""
        decoded = torch.empty(features.shape, dtype=self.decoded_type)
        self.decode(self.encode(features).cpu().numpy(), decoded.numpy())
        return decoded

    def _codes(self, features: Tensor) -> Tensor:
        """``(b, N, C)`` of ``decoded_type``."""
        if self.store == "binary":
            return (features > 0).to(torch.int8) * 2 - 1
        if self.largest_code is None:
            return features.to(self.decoded_type)
        return _scaled(features, self.largest_code, limit=_INT4_LIMIT if self.store == "int4" else None)


def global_type(store: StoreType) -> FloatType:
    """The type of the global features beside such local ones: they are few, so they are never rounded further."""
    return "float32" if store == "float32" else "float16"


def _scaled(features: Tensor, largest: int, limit: float | None) -> Tensor:
    """Codes from -largest to largest, with one factor for each picture of ``(b, N, C)``, as int8.

    Args:
        features: The pictures.
        largest: The code of what is at the limit or beyond.
        limit: In root mean squares of the picture; None for its largest number.
    """
    codes = torch.empty(features.shape, dtype=torch.int8, device=features.device)
    if features.numel():
        for picture, of_picture in zip(features, codes, strict=True):  # one at a time: its numbers stay in the cache
            of_picture.copy_(_scaled_picture(picture, largest, limit))
    return codes


def _scaled_picture(features: Tensor, largest: int, limit: float | None) -> Tensor:
    """Codes of one picture ``(N, C)``, as floats."""
    least, most = features.aminmax()
    reached = torch.maximum(-least, most)
    # First so that the largest number is 1: squares of very small and very large ones would leave the range of floats.
    relative = features / torch.where(reached > 0, reached, 1.0)
    if limit is not None:
        root_mean_square = relative.square().mean().sqrt()
        relative /= torch.where(reached > 0, limit * root_mean_square, 1.0).clamp(max=1.0)
    return relative.mul_(largest).round_().clamp_(-largest, largest)
