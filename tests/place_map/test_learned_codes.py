"""Codebooks, their codes, and what a map keeps of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor
from torch.nn.functional import normalize

from model.codes import as_features
from model.errors import InvalidInput
from model.matching import MATCHING_PRECISIONS, MatchingPrecision, count_mutual_matches
from place_map.code_learning import MOST_CHANNELS, learn_codes
from place_map.codebook_entry import CodebookEntry
from place_map.learned_codes import LearnedBits, LearnedCodes
from place_map.local_codec import LEARNED, LocalCodec, StoreType


def features_of(seed: int, count: int, channels: int, spread: float = 1.0) -> Tensor:
    """Return features with a common direction, as networks give them, and channels that differ in spread."""
    random = torch.Generator().manual_seed(seed)
    spreads = torch.logspace(0, -spread, channels)
    return normalize(torch.randn(count, channels, generator=random) * spreads + 0.5, dim=-1)


def codebook(store: StoreType, channels: int = 16) -> LocalCodec:
    learned = learn_codes(features_of(0, 600, channels), LEARNED[store])
    return LocalCodec(store, channels, learned=learned)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    bits=st.sampled_from([1, 2]),
    channels=st.integers(1, 19),
    shape=st.sampled_from([(0, 3), (2, 1), (1, 5), (2, 3)]),
)
def test_a_byte_is_read_as_the_entry_that_it_names(
    seed: int, bits: LearnedBits, channels: int, shape: tuple[int, int]
) -> None:
    random, in_byte = np.random.default_rng(seed), 8 // bits
    width = -(-channels // in_byte)
    entries = random.integers(-127, 128, (width, 256, in_byte), np.int8)
    learned = LearnedCodes(np.eye(channels, dtype=np.float32), entries, 1.0, 1.0)
    stored = random.integers(0, 256, (*shape, width), np.uint8)
    found = np.full((*shape, channels), 99, np.int8)
    learned.decode(stored, found)
    for place in np.ndindex(*shape):
        expected = np.concatenate([entries[byte, stored[(*place, byte)]] for byte in range(width)])
        np.testing.assert_array_equal(found[place], expected[:channels])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), bits=st.sampled_from([1, 2]), channels=st.integers(1, 19))
def test_every_byte_names_the_nearest_entry(seed: int, bits: LearnedBits, channels: int) -> None:
    random, in_byte = np.random.default_rng(seed), 8 // bits
    width = -(-channels // in_byte)
    entries = random.integers(-127, 128, (width, 256, in_byte)).astype(np.int8)
    entries.reshape(width, 256, in_byte).transpose(0, 2, 1).reshape(-1, 256)[channels:] = 0
    rotation = np.linalg.qr(random.standard_normal((channels, channels)))[0].astype(np.float32)
    learned = LearnedCodes(rotation, entries, 0.01, 1.0)
    features = features_of(seed % 1000, 6, channels).reshape(2, 3, channels)
    found = learned.encode(features).numpy()
    rotated = np.zeros((6, width * in_byte))
    rotated[:, :channels] = features.reshape(6, -1).double().numpy() @ rotation
    for cell, bytes_of_cell in enumerate(found.reshape(6, width)):
        for byte, value in enumerate(bytes_of_cell):
            group = rotated[cell, byte * in_byte : (byte + 1) * in_byte]
            distances = np.square(group - 0.01 * entries[byte]).sum(axis=1)
            assert distances[value] <= distances.min() + 1e-5


@pytest.mark.parametrize("store", LEARNED)
def test_a_rotation_is_orthogonal_and_changes_no_product(store: StoreType) -> None:
    learned = codebook(store).learned
    assert learned is not None
    np.testing.assert_allclose(learned.rotation.T @ learned.rotation, np.eye(16), atol=1e-5)
    one, other = features_of(1, 7, 16), features_of(2, 9, 16)
    torch.testing.assert_close(learned.rotate(one) @ learned.rotate(other).T, one @ other.T)


@pytest.mark.parametrize("store", LEARNED)
def test_the_stated_cosine_is_that_of_other_features_too(store: StoreType) -> None:
    codec, features = codebook(store), features_of(3, 400, 16)
    restored = codec.restore(codec.round_trip(features[None])[0])
    torch.testing.assert_close(restored.norm(dim=-1), torch.ones(400))
    assert float((restored * features).sum(dim=-1).mean()) == pytest.approx(codec.cosine, abs=0.03)


def test_two_bits_keep_more_than_one_and_learned_codes_more_than_signs() -> None:
    cosines = {store: codebook(store).cosine for store in LEARNED}
    assert cosines["pq1"] < cosines["pq2"]
    signs = LocalCodec("binary", 16).round_trip(features_of(0, 600, 16))
    of_signs = (as_features(signs) * features_of(0, 600, 16)).sum(dim=-1).mean()
    assert of_signs < cosines["pq1"]


@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
@pytest.mark.parametrize("store", LEARNED)
def test_matches_are_those_of_the_restored_features(store: StoreType, precision: MatchingPrecision) -> None:
    """The fast path compares codes with a rotated query; plainly, both are compared as features."""
    codec = codebook(store)
    candidates = features_of(4, 2 * 150, 16).reshape(2, 150, 16)
    query = normalize(candidates[0] + 0.05 * features_of(5, 150, 16), dim=-1)
    codes = codec.round_trip(candidates)
    for floor in (None, 0.9):
        found = count_mutual_matches(codec.as_compared(query), codes, precision=precision, floor=floor)
        plain = count_mutual_matches(query, codec.restore(codes), floor=floor)
        assert (found - plain).abs().max() <= (4 if precision == "fast" else 1)


@pytest.mark.parametrize("bits", LEARNED.values())
@pytest.mark.parametrize(("count", "channels"), [(0, 5), (0, 0), (1, 3), (3, 0), (300, 9)])
def test_any_number_of_features_gives_a_codebook(bits: LearnedBits, count: int, channels: int) -> None:
    features = features_of(0, count, channels) if channels else torch.empty(count, 0)
    entry = CodebookEntry.of(learn_codes(features, bits))
    learned = entry.codes(channels, bits)
    assert learned.encode(features).shape == (count, -(-channels * bits // 8))
    again = CodebookEntry.of(learn_codes(features, bits))
    assert again == entry


def test_equal_features_have_one_code() -> None:
    features = features_of(0, 1, 16).expand(300, 16).contiguous()
    for bits in LEARNED.values():
        learned = learn_codes(features, bits)
        assert learned.cosine == pytest.approx(1, abs=1e-3)
        assert len(np.unique(learned.encode(features[None])[0].numpy(), axis=0)) == 1


def test_too_many_channels_are_refused() -> None:
    with pytest.raises(InvalidInput, match="513 channels"):
        learn_codes(torch.ones(1, MOST_CHANNELS + 1), 1)


def test_an_entry_that_is_damaged_or_of_other_features_is_refused() -> None:
    learned = codebook("pq1").learned
    assert learned is not None
    entry = CodebookEntry.of(learned)
    np.testing.assert_array_equal(entry.codes(16, 1).entries, learned.entries)
    for damage in ({"sha256": "0" * 64}, {"rotation": "AAAA"}, {"entries": "no base64"}, {"unit": 0.0}):
        with pytest.raises(ValidationError):
            CodebookEntry.model_validate(entry.model_dump() | damage)
    for channels in (15, 17):
        with pytest.raises(ValueError, match=f"not for {channels} channels"):
            entry.codes(channels, 1)
    skewed = replace(learned, rotation=learned.rotation * 2)
    with pytest.raises(ValueError, match="not orthogonal"):
        CodebookEntry.of(skewed).codes(16, 1)


def test_a_store_that_learns_needs_its_codebook() -> None:
    with pytest.raises(ValueError, match="needs the codebook"):
        LocalCodec("pq1", 16).encode(features_of(0, 1, 16))
