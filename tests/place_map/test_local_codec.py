import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from model.codes import as_features
from model.matching import count_mutual_matches
from place_map.local_codec import LEARNED, STORES, LocalCodec, StoreType, global_type

PLAIN: tuple[StoreType, ...] = tuple(store for store in STORES if store not in LEARNED)  # which learn nothing
CODED: tuple[StoreType, ...] = ("int8", "int4", "binary")


def features_of(seed: int, *shape: int) -> Tensor:
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


@pytest.mark.parametrize(
    ("store", "size"),
    [("float32", 1_905_152), ("float16", 952_576), ("int8", 476_288), ("int4", 238_144), ("binary", 59_536)],
)
def test_bytes_of_a_picture(store: StoreType, size: int) -> None:
    codec = LocalCodec(store, 128)
    assert codec.bytes_per_picture(3721) == size
    assert codec.encode(features_of(0, 1, 3721, 128)).numpy().nbytes == size


@pytest.mark.parametrize(
    ("store", "least", "mean"),
    # For normally distributed numbers, 15 codes lose 1.2 % of the square, a cosine of 0.994; for signs it is √(2/π).
    [
        ("float32", 1, 1),
        ("float16", 0.9999995, 1),
        ("int8", 0.9999, 0.99998),
        ("int4", 0.97, 0.994),
        ("binary", 0.6, 0.798),
    ],
)
def test_what_comes_back_is_near(store: StoreType, least: float, mean: float) -> None:
    features = features_of(1, 2, 500, 128)
    decoded = LocalCodec(store, 128).round_trip(features)
    similarity = cosine_similarity(decoded.double(), features.double(), dim=-1)
    assert similarity.min() >= least - 1e-12
    assert similarity.mean() == pytest.approx(mean, abs=2e-3 if store in ("int4", "binary") else 1e-5)


def test_float32_is_exact_and_float16_is_rounded_once() -> None:
    features = features_of(2, 3, 7, 5)
    assert torch.equal(LocalCodec("float32", 5).round_trip(features), features)
    assert torch.equal(LocalCodec("float16", 5).round_trip(features), features.half())


def codes_of(store: StoreType, features: Tensor) -> Tensor:
    codes = LocalCodec(store, features.shape[-1]).round_trip(features)
    assert codes.dtype == torch.int8
    return codes


@given(
    store=st.sampled_from(CODED),
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 19)),
    exponents=st.lists(st.integers(-90, 90), min_size=6, max_size=6),
)
def test_codes_of_a_feature_depend_neither_on_its_length_nor_on_other_features(
    store: StoreType, seed: int, shape: tuple[int, int], exponents: list[int]
) -> None:
    # Powers of two: a factor that itself rounds nothing.
    factors = torch.tensor([2.0**exponent for exponent in exponents[: shape[0]]])[:, None]
    features = features_of(seed, *shape)
    together = codes_of(store, features * factors)
    for number in range(shape[0]):
        assert torch.equal(together[number], codes_of(store, features[number]))


@given(
    store=st.sampled_from(CODED),
    values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
)
def test_any_finite_numbers_have_codes_in_range_and_in_order(store: StoreType, values: list[float]) -> None:
    features = torch.tensor(values)
    codes = codes_of(store, features)
    largest = LocalCodec(store, 3).largest_code
    assert largest is not None
    assert codes.abs().max() <= largest
    assert (codes[features.argsort()].int().diff() >= 0).all()
    if features.any() and store != "binary":
        assert codes.abs().max() > 0
        assert as_features(codes).norm() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("store", "value"), [("int8", 0), ("int4", 0), ("binary", -1)])
def test_zeros_stay_finite(store: StoreType, value: int) -> None:
    assert (LocalCodec(store, 5).round_trip(torch.zeros(4, 5)) == value).all()


@pytest.mark.parametrize(("store", "code"), [("int8", 127), ("int4", 7), ("binary", 1)])
def test_constant_features_have_one_code(store: StoreType, code: int) -> None:
    features = normalize(torch.ones(4, 16), dim=-1)
    assert (codes_of(store, features) == code).all()
    assert torch.equal(normalize(LocalCodec(store, 16).round_trip(features).float(), dim=-1), features)


def test_eight_bits_cut_nothing_off() -> None:
    """One channel holds nearly all of every feature, as in some frozen backbones."""
    features = features_of(3, 50, 128)
    features[..., 7] = 20 * features.abs().amax()
    features = normalize(features, dim=-1)
    factor = features.abs().amax(dim=-1, keepdim=True) / 127
    assert ((codes_of("int8", features) * factor - features).abs() <= 0.5001 * factor).all()


def test_four_bits_end_at_a_multiple_of_the_root_mean_square() -> None:
    features = features_of(4, 400, 128)
    codes = codes_of("int4", features)
    limit = features.abs().amax(dim=-1, keepdim=True).clamp(max=2.4 / 128**0.5)
    expected = (features * 7 / limit).round().clamp(-7, 7)
    assert (codes != expected).float().mean() < 1e-4  # values half way may be rounded to either side
    # Beyond 2.23 root mean squares 7 is nearest.
    assert (codes.abs() == 7).float().mean() == pytest.approx(0.026, abs=0.005)


def test_codes_are_divided_by_their_length_because_counts_would_change_without() -> None:
    """Cells that are nearly alike, as beside each other in a picture: the longer one would be nearest to both."""
    coarse = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(5))
    smooth = torch.nn.functional.interpolate(coarse, (40, 40), mode="bicubic")[0].flatten(1).T
    candidate = normalize(smooth, dim=-1)
    query = normalize(candidate + 0.02 * features_of(6, 1600, 16), dim=-1)
    exact = int(count_mutual_matches(query, candidate[None]))
    for store in ("int8", "int4"):
        codes = codes_of(store, candidate)[None]
        divided = int(count_mutual_matches(query, codes))
        plain = int(count_mutual_matches(query, codes.float()))
        assert abs(divided - exact) < 0.5 * abs(plain - exact), (store, exact, divided, plain)


@pytest.mark.parametrize("store", PLAIN)
def test_no_picture_and_no_local_features(store: StoreType) -> None:
    for shape in ((0, 7, 5), (2, 0, 0)):
        codec = LocalCodec(store, shape[2])
        encoded = codec.encode(torch.empty(shape))
        assert encoded.shape == (shape[0], *codec.row_shape(shape[1]))
        assert codec.round_trip(torch.empty(shape)).shape == shape


@pytest.mark.parametrize("store", PLAIN)
def test_extras_lie_beside_the_coded_channels(store: StoreType) -> None:
    features, extras = features_of(3, 2, 7, 5), features_of(4, 2, 7, 3)
    codec, plain = LocalCodec(store, 5, extras=3), LocalCodec(store, 5)
    stored = codec.encode(features, extras).numpy()
    assert stored.shape == (2, *codec.row_shape(7))
    assert codec.bytes_per_picture(7) == plain.bytes_per_picture(7) + 7 * 3 * 4
    assert (codec.extras_of(stored) == extras.numpy()).all()
    assert torch.equal(codec.round_trip(features), plain.round_trip(features))
    assert (codec.channels_of(stored) == plain.encode(features).numpy()).all()


@pytest.mark.parametrize("store", PLAIN)
def test_counts_change_by_little(store: StoreType) -> None:
    query, candidates = features_of(5, 60, 16), features_of(6, 3, 70, 16)
    counts = count_mutual_matches(query, LocalCodec(store, 16).round_trip(candidates))
    allowed = {"float32": 0, "float16": 1, "int8": 3, "int4": 10, "binary": 25}[store]
    assert (counts - count_mutual_matches(query, candidates)).abs().max() <= allowed


def test_global_features_are_exact_only_beside_exact_local_ones() -> None:
    assert {store: global_type(store) for store in STORES} == {
        "float32": "float32",
        "float16": "float16",
        "int8": "float16",
        "int4": "float16",
        "block8": "float16",
        "block16": "float16",
        "block32": "float16",
        "binary": "float16",
    }


@pytest.mark.parametrize("store", CODED)
def test_features_of_length_1_never_have_codes_of_nothing_but_zeros(store: StoreType) -> None:
    """``placefix verify`` relies on it, also where one channel of one cell dwarfs all other numbers."""
    features = torch.full((2, 128), 128**-0.5)
    features[0] = 0
    features[0, 5] = 1
    assert codes_of(store, features).any(dim=-1).all()
