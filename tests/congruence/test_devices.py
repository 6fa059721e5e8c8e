"""Every device gives the results of the plain way on the CPU: passes, counts and searches of many shapes."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from model.codes import as_features
from model.features import Features
from model.frozen.cuda_graph import CudaGraph
from model.frozen.network import FrozenSelaVPR
from model.frozen.target import Target
from model.matching import MATCHING_PRECISIONS, MatchingPrecision, count_mutual_matches
from model.network_precision import NETWORK_PRECISIONS, NetworkPrecision, can_pack, has_native_bfloat16
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from tests.congruence.test_searchers import WIDTH, expected
from tests.index_builder.map_factory import unit_rows, write_features_map
from tests.model.frozen.busy_network import busy_network, pictures

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
# TF32 differs by 3e-4 and more.
TOLERANCES: dict[NetworkPrecision, float] = {"float32": 1e-4, "bfloat16": 2e-2, "int8": 4e-2}

Forward = Callable[[Tensor], Features]


def forward_of(device: str, precision: NetworkPrecision, size: int) -> Forward:
    """Run a forward pass as the encoder of the device does."""
    target = Target(torch.device(device), precision)
    frozen = FrozenSelaVPR(busy_network(), (16, 16), target, size)
    return CudaGraph(frozen, (size, 3, 224, 224), target.device) if device == "cuda" else frozen


def relative_error(found: Tensor, plain: Tensor) -> float:
    return float(
        torch.linalg.vector_norm(found.cpu().double() - plain.double()) / torch.linalg.vector_norm(plain.double())
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", NETWORK_PRECISIONS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
@torch.inference_mode()
def test_passes_of_every_size_are_the_networks(device: str, precision: NetworkPrecision, size: int) -> None:
    if not has_native_bfloat16(torch.device(device)) and precision == "bfloat16":
        pytest.skip("this device does not multiply bfloat16")
    if not can_pack(torch.device(device)) and precision == "int8":
        pytest.skip("int8 is for x86 processors")
    forward = forward_of(device, precision, size)
    for images in (pictures(size), pictures(size).flip(3)):  # a graph is given other pictures, and others again
        plain = busy_network()(images)
        found = forward(images.to(device))
        assert relative_error(found.global_features, plain.global_features) < TOLERANCES[precision]
        assert relative_error(found.local_features, plain.local_features) < TOLERANCES[precision]


@pytest.mark.parametrize("device", DEVICES)
@torch.inference_mode()
def test_passes_that_were_made_on_another_thread_and_take_turns_do_not_disturb_each_other(device: str) -> None:
    """A server makes its encoder on the worker's thread, while others use the device."""
    made: dict[int, Forward] = {}
    has_made = threading.Event()

    def make() -> None:
        for size in (2, 3):
            made[size] = forward_of(device, "float32", size)
        has_made.set()

    def use() -> None:
        with torch.inference_mode():
            while not has_made.is_set():
                values = torch.ones(64, 64, device=device)  # nobody draws numbers there while a pass is recorded
                (values @ values).sum().item()

    threads = [threading.Thread(target=target) for target in (use, make)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    images = {size: pictures(size) for size in made}
    plain = {size: busy_network()(images[size]).global_features for size in made}
    for _ in range(2):
        for size, forward in made.items():
            found = forward(images[size].to(device)).global_features.clone()
            assert relative_error(found, plain[size]) < TOLERANCES["float32"]


def whole_numbers(*shape: int, seed: int) -> Tensor:
    """Return features whose products are exact in every arithmetic, with many equal ones."""
    values = torch.randint(-1, 2, shape, generator=torch.Generator().manual_seed(seed)).float()
    values[..., 0, 0] = 1  # none is zero throughout, and the greatest is 1 in each: nothing has to be scaled
    return values


def plain_counts(query: Tensor, candidates: Tensor) -> Tensor:
    scores = as_features(query) @ as_features(candidates).transpose(1, 2)
    cells = torch.arange(len(query))
    return (scores.argmax(dim=1).gather(1, scores.argmax(dim=2)) == cells).sum(dim=1)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
@pytest.mark.parametrize(
    ("count", "rows", "columns", "channels"),
    # One cell; blocks of the kernel that are not full; more candidates than are counted together; channels that the
    # kernel does not take.
    [
        (1, 1, 1, 16),
        (2, 65, 129, 32),
        (3, 7, 300, 128),
        (2, 129, 64, 48),
        (35, 61, 64, 16),
        (2, 90, 70, 24),
        (4, 5, 9, 1),
    ],
)
def test_counts_of_every_shape_are_the_plain_ones(
    device: str, precision: MatchingPrecision, count: int, rows: int, columns: int, channels: int
) -> None:
    query = whole_numbers(rows, channels, seed=rows)
    candidates = whole_numbers(count, columns, channels, seed=columns + 1)
    plain = plain_counts(query, candidates)
    for stored in (torch.float32, torch.float16):
        found = count_mutual_matches(query.to(device), candidates.to(device, stored), precision=precision)
        assert found.device.type == device
        assert torch.equal(found.cpu(), plain), stored


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
def test_nothing_is_counted_as_nothing(device: str, precision: MatchingPrecision) -> None:
    none = count_mutual_matches(
        torch.ones(5, 16, device=device), torch.ones(0, 7, 16, device=device), precision=precision
    )
    assert (none.shape, none.dtype, none.device.type) == ((0,), torch.int64, device)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
def test_codes_are_counted_nearly_as_the_features_that_they_stand_for(
    device: str, precision: MatchingPrecision
) -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.nn.functional.normalize(torch.randn(300, 32, generator=generator), dim=1)
    noise = torch.randn(5, 200, 32, generator=generator)
    codes = (40 * torch.nn.functional.normalize(query[:200] + 0.1 * noise, dim=2)).round().to(torch.int8)
    plain = plain_counts(query, codes)
    found = count_mutual_matches(query.to(device), codes.to(device), precision=precision).cpu()
    assert int(plain.min()) > 100
    assert (found - plain).abs().max() <= (0 if precision == "exact" and device == "cpu" else 3)


@pytest.mark.parametrize("device", DEVICES)
def test_a_search_with_torch_settles_ties_across_segments_and_the_end_of_the_shortlist(
    tmp_path: Path, device: str
) -> None:
    """600 copies of one picture, and a shortlist of 10: the proposals have to be widened twice."""
    random = np.random.default_rng(0)
    database = unit_rows(random.standard_normal((3000, WIDTH))).astype(np.float16)
    copies = np.sort(random.choice(3000, 600, replace=False))
    database[copies] = database[copies[0]]
    others = unit_rows(random.standard_normal((9, WIDTH)))
    queries = np.concatenate([database[copies[:1]], others]).astype(np.float32)
    with PlaceMap.open(write_features_map(tmp_path / "town", database, segment_rows=700)) as place_map:
        searcher = open_searcher(place_map, device, "torch")
        assert searcher.name == f"torch-{device}"
        for shortlist in (10, 1000, 5000):
            result = searcher.search(torch.from_numpy(queries).to(device), shortlist)
            definition = expected(database, queries, min(shortlist, len(database)))
            np.testing.assert_array_equal(result.rows, definition.rows)
            np.testing.assert_array_equal(result.distances, definition.distances)
