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
block8     uint8, 8 a byte        59,392         by a codebook that is learned for the map (``block_codes``)
block16    uint8, 16 a byte       29,696         the same
block32    uint8, 32 a byte       14,848         the same
binary     uint8, 8 a byte        59,536         1 if it is positive, else -1
=========  ==================  ================  ========================================================

Eight bits can represent the largest number of any feature. Four bits cannot. The numbers of the demo's network are
nearly normally distributed; for that distribution, 15 codes at equal distances lose least if they end at 2.4 times the
root mean square.

Queries are not rounded: their features are compared in the precision of the network. With codes of blocks, only the
part of a query is compared that codes can represent.

Some re-rankers need a few more numbers of a feature, such as where it lies. These *extras* follow the stored feature,
or the stored block of features, as float32, whatever the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal, cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from place_map.block_codes import LARGEST_CODE, BlockCodes
from place_map.feature_store import TORCH_TYPES, ArrayType, FloatType, StoredArray, bytes_per_value
from place_map.packing import PackedBits, pack, packed_width, unpack

StoreType = Literal["float32", "float16", "int8", "int4", "block8", "block16", "block32", "binary"]
STORES: tuple[StoreType, ...] = get_args(StoreType)

LEARNED: Mapping[StoreType, int] = {"block8": 8, "block16": 16, "block32": 32}
"""The stores with a codebook, and how many numbers a byte stands for."""

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
    learned: BlockCodes | None = None

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
        """Return how many values of ``locals.npy`` hold the channels of a feature, or of a block of features."""
        if self.store in LEARNED:
            return self._codebook().width
        return packed_width(self.channels, self.packed_bits) if self.packed_bits else self.channels

    def row_shape(self, cells: int) -> tuple[int, int]:
        """Return the shape of the stored features of a picture with N cells: the features or blocks, and their values.

        The values of the channels come first, then those of the extras.
        """
        extras = self.extras * _EXTRA_BYTES // bytes_per_value(self.array_type)
        if self.store in LEARNED:
            codes = self._codebook()
            return codes.blocks, codes.width + codes.side**2 * extras
        return cells, self.coded_width + extras

    def bytes_per_picture(self, cells: int) -> int:
        """Return the bytes of the N features of a picture on the disk."""
        return prod(self.row_shape(cells)) * bytes_per_value(self.array_type)

    def encode(self, features: Tensor, extras: Tensor | None = None) -> Tensor:
        """Round features on their device, so that fewer bytes leave it.

        Args:
            features: ``(…, N, C)`` float32, finite.
            extras: ``(…, N, E)`` float32, finite, which are not rounded; None if E is 0.

        Returns:
            ``(…, *row_shape)`` of ``array_type``.
        """
        coded = self._encode_channels(features)
        if not self.extras:
            return coded
        assert extras is not None and extras.shape == (*features.shape[:-1], self.extras)  # noqa: PT018, S101
        if self.learned is not None:
            pictures = extras.reshape(-1, *extras.shape[-2:])
            extras = torch.stack([self.learned.cut(each).flatten(1) for each in pictures]).view(*coded.shape[:-1], -1)
        return torch.cat((coded, extras.contiguous().view(coded.dtype)), dim=-1)

    def codes(self, stored: StoredArray) -> NDArray[np.int8]:
        """Return the codes ``(…, N, C)`` in values ``(…, *row_shape)`` of a store with codes."""
        if not self.is_packed:
            return cast("NDArray[np.int8]", self.channels_of(stored))
        cells = stored.shape[-2] if self.learned is None else prod(self.learned.grid)
        codes = np.empty((*stored.shape[:-2], cells, self.channels), np.int8)
        self.decode(stored, codes)
        return codes

    def channels_of(self, stored: StoredArray) -> StoredArray:
        """Return the part ``(…, coded_width)`` of values ``(…, *row_shape)`` that holds the channels."""
        return stored[..., : self.coded_width]

    def extras_of(self, stored: StoredArray) -> NDArray[np.float32]:
        """Return the extras ``(…, N, E)`` in values ``(…, *row_shape)``."""
        beside = np.ascontiguousarray(stored[..., self.coded_width :])
        if self.learned is None:
            return beside.view(np.float32)
        learned = self.learned
        cells = np.empty((*stored.shape[:-2], prod(learned.grid), self.extras), np.float32)
        if cells.size:  # NumPy cannot view an array without bytes as floats
            for place in np.ndindex(*stored.shape[:-2]):
                blocks = beside[place].view(np.float32).reshape(learned.blocks, learned.side**2, self.extras)
                cells[place] = learned.join(torch.from_numpy(blocks)).numpy()
        return cells

    def decode(self, stored: StoredArray, out: NDArray[np.generic]) -> None:
        """Read features, or their codes.

        Args:
            stored: ``(…, *row_shape)`` of ``array_type``, or the part that holds the channels.
            out: ``(…, N, C)`` of ``decoded_type``, contiguous; the result is written to it.
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

    def project(self, features: Tensor) -> Tensor:
        """Return the features ``(N, C)`` of a query as they are compared with stored ones, on the same device.

        Codes of blocks lack a part of every feature, and so does the query then. Other stores round each number, and
        a query stays as it is.
        """
        return features if self.learned is None else self.learned.project(features)

    def round_trip(self, features: Tensor) -> Tensor:
        """Return the values that are read after features ``(…, N, C)`` were stored: ``decoded_type`` on the CPU."""
        decoded = torch.empty(features.shape, dtype=self.decoded_type)
        self.decode(self._encode_channels(features).cpu().numpy(), decoded.numpy())
        return decoded

    def _encode_channels(self, features: Tensor) -> Tensor:
        """Return the part of the stored features ``(…, N, C)`` that holds the channels."""
        if self.store in LEARNED:
            return self._codebook().encode(features)
        if self.largest_code is None:
            return features.to(self.decoded_type)
        if self.store == "binary":
            codes = (features > 0).to(torch.int8) * 2 - 1
        else:
            codes = _scaled(features, self.largest_code, limit=_INT4_LIMIT if self.store == "int4" else None)
        return pack(codes, self.packed_bits) if self.packed_bits else codes

    @property
    def cosine(self) -> float:
        """Return the factor by which rounding diminishes the cosine of a query and a feature, on average."""
        return 1.0 if self.learned is None else self.learned.cosine

    def _codebook(self) -> BlockCodes:
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
