"""The fused kernel against the plain search: under Triton's interpreter on a CPU, compiled on a GPU."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model import gpu_matching
from model.codes import as_features
from model.errors import InvalidInput
from model.fast_matching import count_fused, find_fast_matcher, nearest_fused
from model.gpu_matching import can_fuse, has_triton, nearest_cells
from model.matching import count_mutual_matches
from place_map.local_codec import LocalCodec

REPOSITORY = Path(__file__).parents[2]
needs_triton = pytest.mark.skipif(not has_triton(), reason="needs Triton, which comes with CUDA builds of torch")

SHAPES = [(1, 1, 1, 16), (2, 64, 128, 16), (1, 65, 129, 32), (3, 7, 300, 128), (1, 200, 50, 48)]
FILLED_UP = [(1, 256, 256, 120), (2, 37, 41, 33), (1, 5, 9, 1), (1, 1, 1, 120)]  # channels, to a multiple of 16


def plain(queries: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    scores = queries.half().float() @ candidates.half().float().transpose(1, 2)
    return scores.argmax(dim=2), scores.argmax(dim=1)


def inputs(kind: str, pairs: int, rows: int, columns: int, channels: int, device: str) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(rows * columns)
    shapes = ((pairs, rows, channels), (pairs, columns, channels))
    if kind == "ties":  # few values: exactly representable, and many scores are equal
        return tuple(torch.randint(-1, 2, shape, generator=generator).to(device, torch.float32) for shape in shapes)  # type: ignore[return-value]
    if kind == "zeros":
        return tuple(torch.zeros(shape, device=device) for shape in shapes)  # type: ignore[return-value]
    if kind == "extremes":
        return tuple(torch.randn(shape, generator=generator).to(device) * 200 for shape in shapes)  # type: ignore[return-value]
    return tuple(
        torch.nn.functional.normalize(torch.randn(shape, generator=generator), dim=-1).to(device) for shape in shapes
    )  # type: ignore[return-value]


def check(device: str) -> None:
    """Compare everything; the tests below run it in a process with or without the interpreter."""
    for pairs, rows, columns, channels in SHAPES + FILLED_UP:
        for kind in ("ties", "zeros", "extremes", "unit"):
            queries, candidates = inputs(kind, pairs, rows, columns, channels, device)
            found, expected = nearest_cells(queries, candidates), plain(queries, candidates)
            for ours, theirs, one, other in zip(
                found, expected, (queries, candidates), (candidates, queries), strict=True
            ):
                if kind in ("ties", "zeros"):
                    assert torch.equal(ours, theirs), (kind, pairs, rows, columns)
                else:  # sums are rounded in another order, so that near ties may turn over: scores must agree
                    scores = one.half().double() @ other.half().double().transpose(1, 2)
                    picked = scores.gather(2, ours[..., None])[..., 0]
                    assert ((scores.amax(dim=2) - picked) <= 1e-5 * scores.abs().amax()).all(), (kind, rows, columns)
    query, candidates = inputs("ties", 3, 70, 90, 32, device)
    together = nearest_cells(query[:1], candidates)
    for number in range(3):
        alone = nearest_cells(query[:1], candidates[number : number + 1])
        assert torch.equal(together[0][number], alone[0][0])
        assert torch.equal(together[1][number], alone[1][0])
    asked, cells = (features[0] for features in inputs("ties", 1, 20, 20, 16, device))
    many = torch.stack([cells.roll(number, 0) for number in range(35)])  # more than are counted together
    many[3] = asked
    counts = count_mutual_matches(asked, many)
    for stored in (torch.float32, torch.float16):
        assert torch.equal(count_fused(asked, many.to(stored)), counts), stored
    codes = many.to(torch.int8)
    counts = count_fused(asked, as_features(codes, torch.float16))
    assert torch.equal(count_fused(asked, codes), counts)
    check_floors(device)


def check_floors(device: str) -> None:
    """Compare counts with floors: equal to the exact way for integers, with near ties for other numbers."""
    for _, rows, columns, channels in SHAPES + FILLED_UP:
        [query], candidates = inputs("ties", 1, rows, columns, channels, device)
        candidates = torch.cat([candidates, query[None, torch.arange(columns) % rows], -candidates])
        for floor, stored in ((None, torch.float32), (-0.5, torch.float16), (0.5, torch.float32), (1.0, torch.float16)):
            expected = count_mutual_matches(query, candidates, floor=floor)
            found = count_fused(query, candidates.to(stored), floor)
            assert torch.equal(found, expected), (rows, columns, channels, floor)
    generator = torch.Generator().manual_seed(0)
    query, noise = (torch.randn(shape, generator=generator) for shape in ((256, 120), (3, 256, 120)))
    much = torch.rand(3, 256, 1, generator=generator)
    candidates = torch.nn.functional.normalize(query + 1.5 * much * noise, dim=-1).to(device)
    query = torch.nn.functional.normalize(query, dim=-1).to(device)
    codes = LocalCodec("int8", 120).encode(candidates)
    for many in (candidates, candidates.half(), codes):
        for floor in (0.5, 0.6, 0.7, 0.8):
            expected = count_mutual_matches(query, many, floor=floor)
            assert (expected > 20).all()
            assert (count_fused(query, many, floor) - expected).abs().max() <= 1, (many.dtype, floor)
    to_candidate, to_query = nearest_fused(query[None], codes[:1])
    is_mutual = to_query[0][to_candidate[0]] == torch.arange(256, device=device)
    assert int(is_mutual.sum()) == int(count_fused(query, codes[:1]))


@needs_triton
def test_under_the_interpreter_it_is_the_plain_search() -> None:
    """This runs in its own process, because Triton decides at the definition of a kernel whether it is interpreted."""
    program = "from tests.model.test_gpu_matching import check; check('cpu')"
    subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, env=os.environ | {"TRITON_INTERPRET": "1"}, check=True
    )


@needs_triton
@pytest.mark.gpu
def test_on_a_gpu_it_is_the_plain_search() -> None:
    check("cuda")


@pytest.fixture
def tried_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Forget whether the kernel runs, before and after; cells of the trial are on the CPU if there is no GPU."""
    on_any_device = torch.ones

    def ones(*shape: int, device: str) -> Tensor:  # noqa: ARG001
        return on_any_device(*shape)

    monkeypatch.setattr(torch, "ones", ones)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(gpu_matching, "has_triton", lambda: True)
    gpu_matching._runs.cache_clear()
    yield monkeypatch
    gpu_matching._runs.cache_clear()


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Failed to find C compiler"),
        subprocess.CalledProcessError(1, ["gcc"]),  # no headers
        ImportError("failed to map segment from shared object"),  # files of the cache may not be executed
        PermissionError("/.triton"),
    ],
)
def test_where_triton_cannot_compile_the_exact_way_counts(
    tried_anew: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    tries = []

    def kernel() -> None:
        tries.append(1)
        raise error

    tried_anew.setattr(gpu_matching, "_kernel", kernel)
    for channels in (128, 128, 120):  # the last one is padded to the same number
        assert find_fast_matcher(torch.device("cuda"), channels) is None
    assert len(tries) == len(caplog.records) == 1
    assert repr(error) in caplog.text


def test_channels_that_a_gpu_has_no_room_for_are_counted_exactly_and_others_are_not(
    tried_anew: pytest.MonkeyPatch,
) -> None:
    def nearest(rows: Tensor, columns: Tensor, pairs: int) -> Tensor:  # noqa: ARG001
        if rows.shape[2] > 512:
            raise RuntimeError("out of resource: shared memory, Required: 393216, Hardware limit: 232448")
        return torch.zeros(pairs, rows.shape[1], dtype=torch.int64)

    tried_anew.setattr(gpu_matching, "_nearest", nearest)
    taken = [find_fast_matcher(torch.device("cuda"), channels) is not None for channels in (1, 120, 512, 513, 2048)]
    assert taken == [True, True, True, False, False]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, torch.AcceleratorError])
def test_a_gpu_that_fails_does_not_decide_how_to_count(
    tried_anew: pytest.MonkeyPatch, error: type[RuntimeError]
) -> None:
    def kernel() -> None:
        raise error

    tried_anew.setattr(gpu_matching, "_kernel", kernel)
    for _ in range(2):
        with pytest.raises(error):
            can_fuse(128)


@pytest.mark.parametrize(
    ("queries", "candidates"),
    [((1, 5, 16), (1, 5, 32)), ((5, 16), (1, 5, 16)), ((2, 5, 16), (3, 5, 16)), ((1, 5, 15), (1, 5, 16))],
)
def test_shapes_that_do_not_fit_are_refused(queries: tuple[int, ...], candidates: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput):
        nearest_cells(torch.zeros(queries), torch.zeros(candidates))
