"""A photo of 108 megapixels, and maps that were made before large photos were read."""

import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import faiss
import numpy as np
import pytest
import torch

from index_builder.changes.add import add_pictures
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.preprocess import Preparation, Preprocessing
from model.selavpr.initialisation import seeded_network
from place_map.current import Current
from place_map.errors import NetworkMismatch
from place_map.manifest import FORMAT_VERSION
from place_map.versions import read_manifest
from service.decoding import decode_query
from service.settings import ServiceSettings
from tests.conftest import TINY_CONFIG
from tests.model.images.picture_bytes import flat_jpeg
from tests.service.conftest import Served, Town, serving

PHOTO = flat_jpeg(12_000, 9000)


def as_format_3(source: Path, target: Path) -> Path:
    """Write the map as an earlier release wrote it."""
    shutil.copytree(source, target)
    version = target / "versions/000001"
    manifest = json.loads((version / "manifest.json").read_bytes())
    segments = [target / "segments" / each["id"] for each in manifest["segments"]]
    vectors = np.concatenate([np.load(segment / "globals.npy") for segment in segments])
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(version / "index.faiss"))
    index_bytes = (version / "index.faiss").read_bytes()
    manifest["index"]["file"] = {"bytes": len(index_bytes), "sha256": sha256(index_bytes).hexdigest()}
    manifest["format_version"] = 3
    content = json.dumps(manifest).encode()
    (version / "manifest.json").write_bytes(content)
    current = Current("000001", sha256(content).hexdigest()).to_bytes()
    for name in ("CURRENT", "versions/000001/manifest.json.sha256"):
        (target / name).write_bytes(current)
    return target


@pytest.fixture(scope="module")
def old_map(village: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return as_format_3(village.map_path, tmp_path_factory.mktemp("maps") / "old")


@pytest.fixture(scope="module")
def both_served(town: Town, old_map: Path) -> Iterator[Served]:
    """Serve a present map first, whose preprocessing the network gets, and an old one."""
    with serving(ServiceSettings(maps=(town.map_path, old_map), weights=str(town.weights))) as served:
        served.wait_until_ready()
        yield served


def test_a_new_map_answers_and_an_old_one_says_what_to_do(both_served: Served) -> None:
    client = both_served.client
    answer = client.post("/localize", content=PHOTO, params={"map": "town"})
    assert answer.status_code == 200, answer.text
    refused = client.post("/localize", content=PHOTO, params={"map": "old"})
    assert refused.status_code == 413
    assert "108,000,000 pixels; at most 50,000,000 are read" in refused.json()["detail"]
    assert "a new map" in refused.json()["detail"]
    assert client.get("/maps/town").json()["preprocessing"] == "antialias"
    assert client.get("/maps/old").json()["preprocessing"] == "antialias-whole"


def test_both_give_ordinary_photos_the_same_features(town: Town) -> None:
    photo = next(iter(town.photos.values())).read_bytes()
    limits = ServiceSettings().image_limits
    whole, scaled = (
        decode_query(photo, limits, Preparation(preprocessing=each))
        for each in (Preprocessing.ANTIALIAS_WHOLE, Preprocessing.ANTIALIAS)
    )
    assert torch.equal(whole, scaled)


def test_what_is_added_to_an_old_map_is_made_like_the_rest(old_map: Path, town: Town, tmp_path: Path) -> None:
    copy = tmp_path / "old"
    shutil.copytree(old_map, copy)
    listing = read_source(next(iter(town.photos.values())).parent)
    network = seeded_network(TINY_CONFIG, seed=7)
    with pytest.raises(NetworkMismatch, match="--preprocess antialias-whole, not antialias"):
        add_pictures(copy, listing, Encoder(network), prefix="more/")
    add_pictures(
        copy,
        listing,
        Encoder(network, preparation=Preparation(preprocessing=Preprocessing.ANTIALIAS_WHOLE)),
        prefix="more/",
    )
    manifest = read_manifest(copy)
    assert (manifest.format_version, manifest.preprocessing) == (FORMAT_VERSION, Preprocessing.ANTIALIAS_WHOLE)
