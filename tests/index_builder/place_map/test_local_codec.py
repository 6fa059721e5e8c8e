import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from index_builder.place_map.local_codec import STORES, LocalCodec, StoreType, global_type
from model.matching import count_mutual_matches

CODED: tuple[StoreType, ...] = ("int8", "int4", "binary")


def features_of(seed: int, *shape: int) -> Tensor:
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


@pytest.mark.parametrize(
    ("store", "size"),
    [("float32", 1_905_152), ("float16", 952_576), ("int8", 476_288), ("int4", 238_144), ("binary", 59_536)],
)
def test_bytes_of_a_picture(store: StoreType, size: int) -> None:
    codec = LocalCodec(store)
    assert codec.bytes_per_picture(3721, 128) == size
    assert codec.encode(features_of(0, 1, 3721, 128)).numpy().nbytes == size


@pytest.mark.parametrize(
    ("store", "least", "mean"),
    # Of normally distributed numbers: 15 codes lose 1.2 % of the square, a cosine of 0.994; for signs it is √(2/π).
    [
        ("float32", 1, 1),
        ("float16", 0.9999995, 1),
        ("int8", 0.9998, 0.99993),
        ("int4", 0.97, 0.994),
        ("binary", 0.6, 0.798),
    ],
)
def test_what_comes_back_is_near(store: StoreType, least: float, mean: float) -> None:
    features = features_of(1, 2, 500, 128)
    decoded = LocalCodec(store).round_trip(features)
    similarity = cosine_similarity(decoded.double(), features.double(), dim=-1)
    assert similarity.min() >= least - 1e-12
    assert similarity.mean() == pytest.approx(mean, abs=2e-3 if store in ("int4", "binary") else 3e-5)


def test_float32_is_exact_and_float16_is_rounded_once() -> None:
    features = features_of(2, 3, 7, 5)
    assert torch.equal(LocalCodec("float32").round_trip(features), features)
    assert torch.equal(LocalCodec("float16").round_trip(features), features.half())


@given(
    store=st.sampled_from(CODED),
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 19)),
    exponents=st.lists(st.floats(-37, 37), min_size=3, max_size=3),
)
@settings(deadline=None)
def test_codes_of_a_picture_depend_neither_on_its_scale_nor_on_other_pictures(
    store: StoreType, seed: int, shape: tuple[int, int, int], exponents: list[float]
) -> None:
    codec = LocalCodec(store)
    # Powers of two: a factor that itself rounds nothing.
    factors = torch.tensor([2.0 ** round(3 * exponent) for exponent in exponents[: shape[0]]])[:, None, None]
    features = features_of(seed, *shape)
    together = codec.round_trip(features * factors)
    for number in range(shape[0]):
        assert torch.equal(together[number : number + 1], codec.round_trip(features[number : number + 1]))


@given(
    store=st.sampled_from(CODED),
    values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=6, max_size=6),
)
@settings(deadline=None)
def test_any_finite_numbers_have_codes_in_range_and_in_order(store: StoreType, values: list[float]) -> None:
    codec = LocalCodec(store)
    features = torch.tensor(values).reshape(1, 2, 3)
    codes = codec.round_trip(features)
    assert codes.dtype == torch.int8
    assert codec.largest_code is not None
    assert codes.abs().max() <= codec.largest_code
    order = features.flatten().argsort()
    assert (codes.flatten()[order].int().diff() >= 0).all()
    if features.any() and store == "int8":
        assert codes.abs().max() == 127


@pytest.mark.parametrize(("store", "code"), [("int8", 0), ("int4", 0), ("binary", -1)])
def test_zeros_stay_finite(store: StoreType, code: int) -> None:
    assert torch.equal(
        LocalCodec(store).round_trip(torch.zeros(1, 4, 5)), torch.full((1, 4, 5), code, dtype=torch.int8)
    )


@pytest.mark.parametrize(("store", "code"), [("int8", 127), ("int4", 7), ("binary", 1)])
def test_constant_features_have_one_code(store: StoreType, code: int) -> None:
    features = normalize(torch.ones(1, 4, 16), dim=-1)
    assert torch.equal(LocalCodec(store).round_trip(features), torch.full((1, 4, 16), code, dtype=torch.int8))


def test_eight_bits_cut_nothing_off() -> None:
    """One channel holds nearly all of every feature, as in some frozen backbones."""
    features = features_of(3, 1, 50, 128)
    features[..., 7] = 20 * features.abs().amax()
    features = normalize(features, dim=-1)
    decoded = LocalCodec("int8").round_trip(features).float()
    factor = features[..., 7].max() / 127
    assert (decoded * factor - features).abs().max() <= 0.5001 * factor


def test_four_bits_end_at_a_multiple_of_the_root_mean_square() -> None:
    features = features_of(4, 1, 400, 128)
    codes = LocalCodec("int4").round_trip(features)
    expected = (features * 7 / (2.4 / 128**0.5)).round().clamp(-7, 7)
    assert (codes != expected).float().mean() < 1e-4  # what lies half way may fall to either side
    assert (codes.abs() == 7).float().mean() == pytest.approx(
        0.026, abs=0.005
    )  # beyond 2.23 σ, from where 7 is nearest


@pytest.mark.parametrize("store", STORES)
def test_no_picture_and_no_local_features(store: StoreType) -> None:
    codec = LocalCodec(store)
    for shape in ((0, 7, 5), (2, 0, 0)):
        encoded = codec.encode(torch.empty(shape))
        assert encoded.shape == (*shape[:2], codec.width(shape[2]))
        assert codec.round_trip(torch.empty(shape)).shape == shape


@pytest.mark.parametrize("store", STORES)
def test_counts_with_codes_are_those_with_the_features_they_stand_for(store: StoreType) -> None:
    """The factor that is left out changes no nearest neighbour: it is a power of two here, so that nothing rounds."""
    query, candidates = features_of(5, 60, 16), features_of(6, 3, 70, 16)
    decoded = LocalCodec(store).round_trip(candidates)
    counts = count_mutual_matches(query, decoded)
    assert torch.equal(counts, count_mutual_matches(query, decoded.float() / 128))
    exact = count_mutual_matches(query, candidates)
    allowed = {"float32": 0, "float16": 1, "int8": 3, "int4": 10, "binary": 25}[store]
    assert (counts - exact).abs().max() <= allowed


def test_global_features_are_exact_only_beside_exact_local_ones() -> None:
    assert {store: global_type(store) for store in STORES} == {
        "float32": "float32",
        "float16": "float16",
        "int8": "float16",
        "int4": "float16",
        "binary": "float16",
    }


@pytest.mark.parametrize("store", CODED)
def test_features_of_length_1_never_have_codes_of_nothing_but_zeros(store: StoreType) -> None:
    """``placefix verify`` relies on it, also where one channel of one cell dwarfs all other numbers."""
    features = torch.full((1, 2, 128), 128**-0.5)
    features[0, 0] = 0
    features[0, 0, 5] = 1
    assert LocalCodec(store).round_trip(features).any(dim=-1).all()
    assert np.isfinite(features.numpy()).all()
