"""A device that has no memory for more: what asks for it is refused, and everything else goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from model.encoder import Encoder
from service.localizer import Localizer
from tests.service.conftest import Serve, Town
from tests.service.map_versions import add_some, copy_town, served_version
from tests.service.test_metrics import scrape, value

# Each of them leaves the device as it was.
NO_MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    torch.AcceleratorError("CUDA error: out of memory"),  # for memory beside torch's allocator
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("Triton Error [CUDA]: out of memory"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    MemoryError(),
)


def failing(error: BaseException) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.fixture(scope="module")
def grown(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Make a town with two versions; the second is served."""
    folder = tmp_path_factory.mktemp("grown")
    town = copy_town(town, folder)
    add_some(town, folder / "more")
    return town


def test_a_query_that_does_not_fit_is_refused_and_the_next_is_answered(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town)
    content = town.photos["100%.jpg"].read_bytes()
    for error in NO_MEMORY:
        with monkeypatch.context() as patch:
            patch.setattr(Encoder, "encode", failing(error))
            refused = served.client.post("/localize", content=content)
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded"), error
        assert served.client.post("/localize", content=content).status_code == 200
    assert served.runtime.failure is None


def test_a_version_that_does_not_fit_beside_the_served_one_is_not_served(
    grown: Town, tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(copy_town(grown, tmp_path), watch_interval_s=0)
    for error in NO_MEMORY:
        with monkeypatch.context() as patch:
            patch.setattr(Localizer, "__init__", failing(error))
            refused = served.client.post("/maps/town/activate", json={"version": "000001"})
        assert (refused.status_code, refused.json()["code"]) == (422, "unusable_version"), error
        assert "does not fit into the memory of cpu" in refused.json()["detail"]
        assert served_version(served) == "000002"
    assert value(scrape(served), "placefix_map_swaps_total", map="town", outcome="failed") == len(NO_MEMORY)
    assert served.client.post("/maps/town/activate", json={"version": "000001"}).status_code == 200
    assert served_version(served) == "000001"
