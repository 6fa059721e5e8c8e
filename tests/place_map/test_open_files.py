"""A map of more segments than a process may open files is opened, or refused by a message that helps."""

import subprocess
import sys
from pathlib import Path

import numpy as np

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


def test_the_limit_is_raised_as_far_as_the_system_permits(tmp_path: Path) -> None:
    features = unit_rows(np.random.default_rng(1).standard_normal((150, 4)))
    path = write_features_map(tmp_path / "town", features, segment_rows=1)
    assert opened(path, 256, 1024) == "150 150 True"
    told = opened(path, 256, 256)
    assert told.startswith("the map needs 300 open files, and the system lets this process have 256")
    assert "placefix compact --segment-size" in told
