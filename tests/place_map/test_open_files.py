"""A map of more segments than a process may open files is opened, or refused by a message that helps."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from tests.index_builder.map_factory import unit_rows, write_features_map

PROGRAM = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from place_map.errors import MapError
from place_map.reader import PlaceMap
try:
    with PlaceMap.open({path!r}) as place_map:
        print(len(place_map), len(place_map.segments), resource.getrlimit(resource.RLIMIT_NOFILE)[0] > {soft})
except MapError as error:
    print(error.message)
"""


def opened(path: Path, soft: int, hard: int) -> str:
    program = PROGRAM.format(soft=soft, hard=hard, path=str(path))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def features() -> NDArray[np.float16]:
    return unit_rows(np.random.default_rng(1).standard_normal((300, 4)))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, features: NDArray[np.float16]) -> Path:
    return write_features_map(tmp_path_factory.mktemp("maps") / "town", features, segment_rows=1)


def test_the_limit_is_raised_as_far_as_the_system_permits(path: Path) -> None:
    assert opened(path, 256, 1024) == "300 300 True"
    told = opened(path, 256, 256)
    assert told.startswith("the map needs 600 open files, and the system lets this process have 256")
    assert "placefix compact --segment-size" in told


def test_a_map_of_more_than_256_segments_reads_like_one_of_a_single_segment(
    path: Path, features: NDArray[np.float16], tmp_path: Path
) -> None:
    one = write_features_map(tmp_path / "one", features)
    rows = np.array([299, 0, 256, 257, 12])
    with PlaceMap.open(path) as of_many, PlaceMap.open(one) as of_one:
        assert (len(of_many.segments), len(of_one.segments)) == (300, 1)
        assert of_many.places.ids == of_one.places.ids
        np.testing.assert_array_equal(of_many.global_features(rows), of_one.global_features(rows))
        assert torch.equal(of_many.local_features(rows), of_one.local_features(rows))
        query = torch.from_numpy(of_one.global_features(rows[:1]))
        found = open_searcher(of_many, "cpu").search(query, 20)
        np.testing.assert_array_equal(found.rows, open_searcher(of_one, "cpu").search(query, 20).rows)
