"""The demo on disk: made once, kept, and mended."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from demo import build as demo_build
from demo.build import DemoFiles, build_demo
from demo.town import SEED
from demo.walk import Walk, database_shots, query_shots
from index_builder.place_map.reader import PlaceMap
from index_builder.progress import SILENT, Progress
from model.encoder import Encoder
from model.errors import InvalidInput
from model.weights import load_network

WALK = Walk(database=tuple(islice(database_shots(), 4)), queries=tuple(islice(query_shots(SEED), 2)))


@contextmanager
def silent(_what: str) -> Iterator[Progress]:
    yield SILENT


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    root = tmp_path_factory.mktemp("demo") / "built"
    assert build_demo(root, silent, WALK)
    return DemoFiles(root)


def state(root: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()}


def test_everything_is_there_and_fits_together(demo: DemoFiles) -> None:
    with PlaceMap.open(demo.map) as place_map:
        assert len(place_map) == len(list(demo.database.glob("*.jpg"))) == 4
        encoder = Encoder(load_network(demo.network))
        assert not encoder.is_trained
        place_map.check_network(encoder)
    assert len(list(demo.queries.glob("*.jpg"))) == 2


def test_second_build_touches_nothing(demo: DemoFiles) -> None:
    before = state(demo.root)
    assert not build_demo(demo.root, silent, WALK)
    assert state(demo.root) == before


@pytest.mark.parametrize(
    "lost",
    [
        "pictures/database/compass-street-015m-left.jpg",
        "pictures/queries/query-02.jpg",
        "network.safetensors",
        "maps/demo/segments/000001/locals.npy",
    ],
)
def test_what_is_lost_is_made_again(demo: DemoFiles, lost: str) -> None:
    """As after an interruption: the same bytes come back, and nothing is left over."""
    path = demo.root / lost
    before = path.read_bytes()
    path.unlink()
    assert build_demo(demo.root, silent, WALK)
    assert path.read_bytes() == before
    assert not build_demo(demo.root, silent, WALK)


def test_map_that_was_not_published_is_built(demo: DemoFiles) -> None:
    (demo.map / "CURRENT").unlink()
    assert build_demo(demo.root, silent, WALK)
    with PlaceMap.open(demo.map) as place_map:
        ids = [place_map.places[row].id for row in range(len(place_map))]
        assert ids == sorted(f"{shot.name}.jpg" for shot in WALK.database)


def test_damaged_map_and_network_are_made_again(demo: DemoFiles) -> None:
    features = demo.map / "segments" / "000001" / "globals.npy"
    for path in (features, demo.network):
        before = path.read_bytes()
        damaged = bytearray(before)
        damaged[len(damaged) // 2] ^= 0x10
        path.unlink()
        path.write_bytes(damaged)
        assert build_demo(demo.root, silent, WALK)
        assert path.read_bytes() == before


def test_interruption_while_drawing_is_continued(tmp_path: Path) -> None:
    class Interrupted(BaseException):
        pass

    class StopsAfterThree:
        def __init__(self) -> None:
            self.left = 3

        def started(self, total: int, finished: int) -> None:
            assert (total, finished) == (6, 0)

        def advanced(self, count: int) -> None:
            self.left -= count
            if not self.left:
                raise Interrupted

        def message(self, text: str) -> None:
            pass

    @contextmanager
    def interrupting(_what: str) -> Iterator[Progress]:
        yield StopsAfterThree()

    root = tmp_path / "interrupted"
    with pytest.raises(Interrupted):
        build_demo(root, interrupting, WALK)
    drawn = state(root / "pictures")
    assert len(drawn) == 3
    assert build_demo(root, silent, WALK)
    assert state(root / "pictures").items() >= drawn.items()
    with PlaceMap.open(DemoFiles(root).map) as place_map:
        assert len(place_map) == 4


def test_another_release_draws_anew(demo: DemoFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = next(demo.database.glob("*.jpg"))
    before = picture.stat().st_mtime_ns
    monkeypatch.setattr(demo_build, "_drawing_digest", lambda: "another")
    assert build_demo(demo.root, silent, WALK)
    assert picture.stat().st_mtime_ns > before
    assert not build_demo(demo.root, silent, WALK)


def test_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(InvalidInput, match="is no demo"):
        build_demo(tmp_path, silent, WALK)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]
