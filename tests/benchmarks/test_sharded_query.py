"""The benchmark asks a front end and one machine in turn, and refuses answers that differ."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.sharded_query import RERANKS, medians_ms
from service.settings import ServiceSettings
from tests.service.conftest import Served, Town, serving
from tests.service.sharding import judged_town, serve_front, serve_shards


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return judged_town(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def alone(judged: Town) -> Iterator[Served]:
    with serving(ServiceSettings(maps=(judged.map_path,))) as served:
        served.wait_until_ready()
        yield served


def photos_of(town: Town) -> list[bytes]:
    return [Path(path).read_bytes() for path in list(town.photos.values())[:3]]


@pytest.mark.parametrize("rerank", RERANKS.values())
def test_one_shard_is_compared_with_one_machine(judged: Town, alone: Served, rerank: str) -> None:
    with ExitStack() as stack:
        front = serve_front(stack, judged, [shard.url for shard in serve_shards(stack, judged, 1)])
        front.wait_until_ready()
        found = medians_ms({"alone": alone.url, "shard": front.url}, photos_of(judged), rerank, repeats=2)
    assert set(found) == {"alone", "shard"}
    assert all(value > 0 for value in found.values())


def test_another_answer_ends_the_benchmark(judged: Town, alone: Served) -> None:
    with serving(ServiceSettings(maps=(judged.map_path,), candidates=1)) as other:
        other.wait_until_ready()
        with pytest.raises(AssertionError, match=r"other answers .*, and not "):
            medians_ms({"alone": alone.url, "other": other.url}, photos_of(judged), "true", repeats=1)
