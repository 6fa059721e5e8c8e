"""The map and the plain path that a whole query is compared with."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.query.plain import PlainPath
from benchmarks.query.replicated_map import write_replicated_map
from model.codes import as_features
from model.encoder import Encoder
from model.features import Features
from model.images import open_image
from model.preprocess import preprocess
from model.retrieval import retrieve
from model.selavpr.initialisation import seeded_network
from place_map.reader import PlaceMap
from service.stages import Stage
from tests.conftest import TINY_CONFIG, write_photo


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    return [write_photo(folder / f"{number}.jpg", seed=number) for number in range(3)]


def test_each_picture_is_written_many_times_and_no_two_places_are_the_same(
    photos: list[Path], tmp_path: Path, tiny_encoder: Encoder
) -> None:
    features = [tiny_encoder.encode(preprocess(open_image(photo))[None]) for photo in photos]
    told: list[int] = []
    write_replicated_map(tmp_path / "town", tiny_encoder, features, 8, "int8", told.append)
    with PlaceMap.open(tmp_path / "town") as place_map:
        place_map.check_network(tiny_encoder)
        assert len(place_map) == 8 == sum(told)
        stored = place_map.global_features(np.arange(8))
        local = place_map.local_features(np.arange(8))
        assert len(np.unique(stored, axis=0)) == 8
        assert len(np.unique(local.flatten(1).numpy(), axis=0)) == 8
        original = torch.cat([each.global_features for each in features]).numpy()
        assert [int((original @ row).argmax()) for row in stored] == [0, 1, 2, 0, 1, 2, 0, 1]


def test_the_plain_path_is_plain_retrieval(photos: list[Path], tmp_path: Path, tiny_encoder: Encoder) -> None:
    network = seeded_network(TINY_CONFIG, seed=7).eval()
    images = [preprocess(open_image(photo))[None] for photo in photos]
    write_replicated_map(tmp_path / "town", tiny_encoder, [tiny_encoder.encode(each) for each in images], 7, "float16")
    with PlaceMap.open(tmp_path / "town") as place_map, torch.inference_mode():
        rows = np.arange(len(place_map))
        database = Features(
            torch.from_numpy(place_map.global_features(rows)),
            as_features(place_map.local_features(rows)),
            tiny_encoder.local_grid,
        )
        plain = PlainPath(network, place_map)
        for photo, image in zip(photos, images, strict=True):
            best, seconds = plain.answer(photo, 5)
            assert best == int(retrieve(network(image), database, 5).rows[0])
            assert set(seconds) == set(Stage) - {Stage.QUEUE, Stage.EVIDENCE}
