import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from place_map.packing import PackedBits, pack, packed_width, unpack


@st.composite
def numbers(draw: st.DrawFn) -> tuple[PackedBits, np.ndarray]:
    bits: PackedBits = draw(st.sampled_from([4, 1]))
    shape = draw(st.tuples(st.integers(0, 3), st.integers(1, 19)))
    values = st.integers(-8, 7) if bits == 4 else st.sampled_from([-1, 1])
    return bits, draw(npst.arrays(np.int8, shape, elements=values))


@given(numbers())
def test_what_is_packed_is_unpacked(case: tuple[PackedBits, np.ndarray]) -> None:
    bits, expected = case
    packed = pack(torch.from_numpy(expected), bits).numpy()
    assert packed.shape == (len(expected), packed_width(expected.shape[1], bits))
    found = np.full(expected.shape, 99, np.int8)
    unpack(packed, bits, found)
    np.testing.assert_array_equal(found, expected)


def test_the_first_number_is_in_the_lowest_bits() -> None:
    assert pack(torch.tensor([1, -2, 7], dtype=torch.int8), 4).tolist() == [0xE1, 0x07]
    signs = torch.tensor([1, -1, -1, 1, -1, -1, -1, -1, 1], dtype=torch.int8)
    assert pack(signs, 1).tolist() == [0b00001001, 0b00000001]


@pytest.mark.parametrize(("bits", "in_byte"), [(4, 2), (1, 8)])
def test_every_byte_is_unpacked_as_numpy_would(bits: PackedBits, in_byte: int) -> None:
    every_byte = np.arange(256, dtype=np.uint8)[:, None]
    found = np.empty((256, in_byte), np.int8)
    unpack(every_byte, bits, found)
    if bits == 1:
        expected = 2 * np.unpackbits(every_byte, axis=1, bitorder="little").astype(np.int8) - 1
    else:
        fields = np.concatenate([every_byte % 16, every_byte // 16], axis=1).astype(np.int8)
        expected = np.where(fields < 8, fields, fields - 16)
    np.testing.assert_array_equal(found, expected)
