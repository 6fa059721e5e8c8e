"""The service on each device: it answers as the CPU does, alone and among others, and while its map changes."""

import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.read import read_source
from model.device import choose_device
from model.encoder import Encoder
from model.geo import LatLon
from model.images import DEFAULT_LIMITS
from model.rerankers.reranker import LocalFeatures
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from service.decoding import decode_query
from service.encoded_query import EncodedQuery, encode_queries
from service.localization import Candidate
from service.localizer import Localizer
from service.query_options import QueryOptions
from service.stages import StageClock
from tests.conftest import write_photo
from tests.model.descriptors.small_networks import SYSTEMS, SmallSystem, small_size
from tests.service.conftest import Serve, Served, Town
from tests.service.map_versions import add_some, asking_all_the_time, contents, copy_town, served_version
from tests.waiting import wait_until

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
ALL = 12  # pictures of the town


@pytest.fixture(scope="module")
def on_the_cpu(town: Town, tiny_encoder: Encoder) -> Iterator[dict[str, tuple[Candidate, ...]]]:
    """Return the candidates of every picture of the town, without a server."""
    with PlaceMap.open(town.map_path) as place_map:
        localizer = Localizer(tiny_encoder, place_map, open_searcher(place_map, "cpu"))
        found = {}
        for place_id, photo in town.photos.items():
            image = decode_query(photo, DEFAULT_LIMITS, tiny_encoder.preparation)
            [encoded] = encode_queries(tiny_encoder, image[None])
            found[place_id] = localizer.localize(encoded, QueryOptions(ALL, ALL, rerank="always")).candidates
        yield found


def ask(served: Served, photo: Path) -> list[dict[str, Any]]:
    response = served.client.post("/localize", content=photo.read_bytes())
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["candidates"]
    return found


@pytest.mark.parametrize("device", DEVICES)
def test_it_answers_as_the_cpu_does_alone_and_among_others(
    town: Town, serve: Serve, on_the_cpu: dict[str, tuple[Candidate, ...]], device: str
) -> None:
    served = serve(town, device=device, rerank=True, shortlist=ALL, candidates=ALL)
    ready = served.client.get("/health/ready").json()
    assert device in str(ready)
    alone = {place_id: ask(served, photo) for place_id, photo in town.photos.items()}
    for place_id, expected in on_the_cpu.items():
        found = {each["id"]: each for each in alone[place_id]}
        assert alone[place_id][0]["id"] == expected[0].id == place_id
        assert set(found) == {candidate.id for candidate in expected}
        for candidate in expected:
            of_device = found[candidate.id]
            assert of_device["global_distance"] == pytest.approx(candidate.global_distance, abs=1e-3)
            assert of_device["mutual_matches"] == pytest.approx(candidate.mutual_matches, rel=0.02, abs=4)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(partial(ask, served), [*town.photos.values()] * 4))
    assert together == [*alone.values()] * 4


@pytest.mark.parametrize("device", DEVICES)
def test_the_thread_that_answers_has_loaded(
    town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    threads: list[str] = []
    load, encode = Encoder.__init__, Encoder.encode

    def init(self: Encoder, *arguments: Any, **named: Any) -> None:
        threads.append(threading.current_thread().name)
        load(self, *arguments, **named)

    def note(self: Encoder, images: torch.Tensor) -> Any:
        threads.append(threading.current_thread().name)
        return encode(self, images)

    monkeypatch.setattr(Encoder, "__init__", init)
    monkeypatch.setattr(Encoder, "encode", note)
    served = serve(town, device=device)
    ask(served, town.photos["100%.jpg"])
    assert len(threads) >= 3
    assert set(threads) == {"placefix-device"}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("system", SYSTEMS, ids=str)
def test_every_family_is_encoded_and_every_reranker_compares_as_on_the_cpu(
    system: SmallSystem, device: str, tmp_path: Path
) -> None:
    """Replay a CUDA graph on a GPU: nothing that depends on the picture may be recorded into it."""
    choose_device("cuda" if device == "cuda" else "cpu")  # products in full precision, as the service has them
    for number in range(3):
        write_photo(tmp_path / "photos" / f"{number}.jpg", number, LatLon(52 + number / 100, 13))
    network = system.network()
    preparation = network.preparation(size=small_size(system.family))
    on_cpu, on_device = (Encoder(network, each, preparation) for each in ("cpu", device))
    built = build_map(
        read_source(tmp_path / "photos"), on_cpu, tmp_path / "map", BuildOptions(reranker=system.reranker)
    )
    picture = decode_query(tmp_path / "photos" / "1.jpg", DEFAULT_LIMITS, preparation)
    with PlaceMap.open(built.map_path) as place_map:
        plain, served = (
            Localizer(encoder, place_map, open_searcher(place_map, encoder.device)) for encoder in (on_cpu, on_device)
        )
        [expected], [found] = (encode_queries(encoder, picture[None]) for encoder in (on_cpu, on_device))
        similar = (expected.features.global_features @ found.features.global_features.cpu().T).item()
        assert similar > 0.9999
        answer = served.localize(found, QueryOptions(3, 3, "never" if served.reranker is None else "always"))
        assert {each.id for each in answer.candidates} == {"0.jpg", "1.jpg", "2.jpg"}
        if served.reranker is None:
            assert answer.candidates[0].id == "1.jpg"
            return
        assert all(each.score is not None and math.isfinite(each.score) for each in answer.candidates)
        # the same features on both devices
        rows, clock = np.arange(3), StageClock()
        scores = [
            localizer.reranker.scores(localizer.compare(local_features(expected, localizer), rows, lambda: True, clock))
            for localizer in (plain, served)
            if localizer.reranker is not None
        ]
        np.testing.assert_allclose(scores[1], scores[0], rtol=0.02, atol=1e-3 if scores[0].max() <= 1 else 2)


def local_features(encoded: EncodedQuery, localizer: Localizer) -> LocalFeatures:
    """Return the local features of a query on the device of a localizer."""
    features = encoded.features.to(localizer.encoder.device)
    return LocalFeatures(
        features.local_features[0], None if features.local_extras is None else features.local_extras[0]
    )


@pytest.mark.parametrize("device", DEVICES)
def test_versions_are_swapped_on_the_device_while_it_answers(
    town: Town, tmp_path: Path, serve: Serve, device: str
) -> None:
    changing = copy_town(town, tmp_path)
    versions = ("000001", add_some(changing, tmp_path / "more"))
    of_versions = contents(changing)
    served = serve(changing, device=device, watch_interval_s=0)
    with asking_all_the_time(served.url, changing.photos["100%.jpg"].read_bytes()) as asked:
        allocated = []
        for version in versions * 3:
            wait_until(partial(asked.is_beyond, asked.count + 3))
            swapped = served.client.post("/maps/town/activate", json={"version": version})
            assert swapped.status_code == 200, swapped.text
            assert served_version(served) == version
            allocated.append(torch.cuda.memory_allocated() if device == "cuda" else 0)
    assert asked.failures == []
    assert asked.answers == {version: {frozenset(of_versions[version])} for version in versions}
    assert max(allocated[4:]) <= max(allocated[:2]) + 1_000_000  # versions that are not served any more are freed
