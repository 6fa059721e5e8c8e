"""The demo on disk: made once, kept, and repaired."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demo.__main__ import app
from demo.build import DemoFiles, build_demo
from demo.shipped import ShippedTown
from model.encoder import Encoder
from model.errors import InvalidInput
from model.images import DEFAULT_LIMITS
from model.progress import Progress
from model.weights import load_network
from place_map.reader import PlaceMap
from placefix.samples import read_samples
from tests.demo.conftest import DATABASE, QUERIES

Silent = Callable[[str], AbstractContextManager[Progress]]


@pytest.fixture(scope="module")
def demo(town: ShippedTown, silent: Silent, tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    root = tmp_path_factory.mktemp("demo") / "built"
    assert build_demo(root, silent, town)
    return DemoFiles(root)


@pytest.fixture
def other_town(town: ShippedTown, tmp_path: Path) -> ShippedTown:
    """Return a copy of the town that a test may change."""
    return ShippedTown(Path(shutil.copytree(town.root, tmp_path / "other")))


def state(root: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()}


def test_everything_is_there_and_fits_together(demo: DemoFiles, town: ShippedTown) -> None:
    with PlaceMap.open(demo.map) as place_map:
        ids = [place_map.places[row].id for row in range(len(place_map))]
        assert ids == sorted(path.name for path in town.database.iterdir())
        assert len(ids) == DATABASE
        encoder = Encoder(load_network(demo.weights))
        assert encoder.is_trained
        place_map.check_network(encoder)
    samples = read_samples(demo.samples, DEFAULT_LIMITS)
    assert len(samples) == QUERIES
    assert all(sample.position and sample.condition for sample in samples)
    assert [sample.path.is_relative_to(demo.root) for sample in samples] == [True] * QUERIES


def test_what_is_printed_names_no_address_that_only_the_server_knows(demo: DemoFiles, town: ShippedTown) -> None:
    result = CliRunner().invoke(app, ["build", "--out", str(demo.root), "--town", str(town.root)])
    assert result.exit_code == 0, result.output
    assert f"placefix serve --map {demo.map}" in result.stdout
    assert "localhost" not in result.stdout
    assert "8000" not in result.stdout


def test_second_build_touches_nothing(demo: DemoFiles, town: ShippedTown, silent: Silent) -> None:
    before = state(demo.root)
    assert not build_demo(demo.root, silent, town)
    assert state(demo.root) == before


@pytest.mark.parametrize(
    "lost",
    ["samples/queries.csv", "samples/queries/*.jpg", "weights.safetensors", "maps/demo/segments/000001/locals.npy"],
)
def test_what_is_lost_is_made_again(demo: DemoFiles, town: ShippedTown, silent: Silent, lost: str) -> None:
    """Lost files are made again with the same bytes, and no others are left, as after an interruption."""
    path = next(demo.root.glob(lost))
    names, before = set(state(demo.root)), path.read_bytes()
    path.unlink()
    assert build_demo(demo.root, silent, town)
    assert path.read_bytes() == before
    assert set(state(demo.root)) == names
    assert not build_demo(demo.root, silent, town)


def test_map_that_was_not_published_is_built(demo: DemoFiles, town: ShippedTown, silent: Silent) -> None:
    (demo.map / "CURRENT").unlink()
    assert build_demo(demo.root, silent, town)
    with PlaceMap.open(demo.map) as place_map:
        assert len(place_map) == DATABASE


@pytest.mark.parametrize(
    "name", ["maps/demo/segments/000001/globals.npy", "weights.safetensors", "samples/queries/*.jpg"]
)
def test_what_is_damaged_is_made_again(demo: DemoFiles, town: ShippedTown, silent: Silent, name: str) -> None:
    path = next(demo.root.glob(name))
    before = path.read_bytes()
    damaged = bytearray(before)
    damaged[len(damaged) // 2] ^= 0x10
    path.unlink()
    path.write_bytes(damaged)
    assert build_demo(demo.root, silent, town)
    assert path.read_bytes() == before


def test_interrupted_build_is_continued(town: ShippedTown, silent: Silent, tmp_path: Path) -> None:
    class Interrupted(BaseException):
        pass

    class Stops:
        def started(self, total: int, finished: int) -> None:
            assert (total, finished) == (DATABASE, 0)

        def advanced(self, _count: int) -> None:
            raise Interrupted

        def message(self, text: str) -> None:
            pass

    @contextmanager
    def interrupting(_what: str) -> Iterator[Progress]:
        yield Stops()

    files = DemoFiles(tmp_path / "interrupted")
    with pytest.raises(Interrupted):
        build_demo(files.root, interrupting, town)
    assert not files.map.exists()
    assert build_demo(files.root, silent, town)
    with PlaceMap.open(files.map) as place_map:
        assert len(place_map) == DATABASE
    assert [path.name for path in files.map.parent.iterdir()] == ["demo"]


def test_another_release_begins_anew(
    town: ShippedTown, other_town: ShippedTown, silent: Silent, tmp_path: Path
) -> None:
    """Other pictures of the map, and one query less: neither the old map nor the old query stays."""
    files = DemoFiles(tmp_path / "demo")
    build_demo(files.root, silent, town)
    removed = sorted(other_town.database.iterdir())[0]
    removed.unlink()
    *kept, last = other_town.query_list.read_text("utf-8").splitlines()
    other_town.query_list.write_text("\n".join(kept) + "\n", "utf-8")
    query = last.split(",")[0]
    (other_town.pictures / query).unlink()
    assert build_demo(files.root, silent, other_town)
    with PlaceMap.open(files.map) as place_map:
        assert removed.name not in [place_map.places[row].id for row in range(len(place_map))]
    assert not (files.samples / query).exists()
    assert len(read_samples(files.samples, DEFAULT_LIMITS)) == QUERIES - 1
    assert not build_demo(files.root, silent, other_town)


def test_folder_with_something_else_in_it_is_left_alone(town: ShippedTown, silent: Silent, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(InvalidInput, match="is not a demo"):
        build_demo(tmp_path, silent, town)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_what_should_be_shipped_and_is_not_is_named(other_town: ShippedTown, silent: Silent, tmp_path: Path) -> None:
    other_town.query_list.unlink()
    with pytest.raises(InvalidInput, match=r"lacks pictures or queries\.csv"):
        build_demo(tmp_path / "demo", silent, other_town)
    other_town.weights.unlink()
    with pytest.raises(InvalidInput, match=r"weights\.safetensors is missing"):
        build_demo(tmp_path / "demo", silent, other_town)
    assert not (tmp_path / "demo").exists()
