"""The shipped files: complete, small, consistent with their tables, and reproducible by a command."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from demo import shipping
from demo.photo_file import DESCRIPTION, Taken, photo_bytes
from demo.pretraining.shape import CONFIG
from demo.rendering.render import COLUMNS, read_table
from demo.shipped import SHIPPED, ShippedTown
from demo.shipping import MAX_WEIGHTS_BYTES, ship_pictures, ship_weights
from index_builder.sources.read import read_source
from model.errors import InvalidInput
from model.geo import LatLon, distance_m
from model.selavpr.initialisation import seeded_network
from model.weights import describe_weights, save_network

SOUTH_WEST = Taken(LatLon(-48.87665, -123.39331), 359.5, datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))
NORTH_EAST = Taken(LatLon(0.5, 0.25), 0.0, datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))


@pytest.mark.parametrize("taken", [SOUTH_WEST, NORTH_EAST])
def test_builder_reads_back_position_heading_and_time(tmp_path: Path, taken: Taken) -> None:
    (tmp_path / "picture.jpg").write_bytes(photo_bytes(Image.new("RGB", (32, 24), "teal"), taken))
    listing = read_source(tmp_path)
    assert not listing.left_out
    (place,) = listing.places
    assert distance_m(place.position, taken.position) < 0.01
    assert place.heading_deg == pytest.approx(taken.heading_deg, abs=0.01)
    assert place.time == taken.time


@pytest.mark.parametrize(("side", "count"), [("database", 198), ("queries", 60)])
def test_shipped_pictures_say_what_their_table_says(side: str, count: int) -> None:
    by_exif, by_table = (read_source(SHIPPED.pictures / name) for name in (side, f"{side}.csv"))
    assert not by_exif.left_out
    assert not by_table.left_out
    assert len(by_exif.places) == len(by_table.places) == count
    listed = {Path(place.id).name: place for place in by_table.places}
    for place in by_exif.places:
        same = listed[place.id]
        assert distance_m(place.position, same.position) < 0.01
        assert place.heading_deg == pytest.approx(same.heading_deg, abs=0.01)
        assert place.time == same.time


def test_shipped_pictures_are_small_and_say_that_the_town_does_not_exist() -> None:
    pictures = sorted(SHIPPED.pictures.glob("*/*.jpg"))
    assert sum(path.stat().st_size for path in pictures) < 5_000_000
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (320, 240)
            assert picture.getexif()[ExifTags.Base.ImageDescription] == DESCRIPTION


def test_shipped_weights_are_the_trained_network_of_the_demo() -> None:
    description = describe_weights(SHIPPED.weights)
    assert description.config == CONFIG.to_dict()
    assert description.is_trained
    assert description.stored_as == "float16"
    assert description.size_bytes <= MAX_WEIGHTS_BYTES


@pytest.fixture
def rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a split of two pictures on either side, and a rule that takes the last of each."""
    folder = tmp_path / "rendered"
    for side in ("database", "queries"):
        (folder / side).mkdir(parents=True)
        taken = {
            "latitude": "-48.87665000",
            "longitude": "-123.39331000",
            "heading": "271.50",
            "time": "2026-02-03T04:05:06+00:00",
            "condition": "night",
            "street": "136",
            "along_m": "4.000",
            "place": "street-136-cell-00-ahead",
        }
        with (folder / f"{side}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            for number in range(2):
                pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / side / f"{number}.jpg")
                table.writerow(taken | {"path": f"{side}/{number}.jpg"})
    for name in ("choose_database", "choose_queries"):
        monkeypatch.setattr(shipping, name, lambda rows: rows[-1:])
    return folder


def test_chosen_pictures_are_written_with_their_tables(rendered: Path, tmp_path: Path) -> None:
    out = tmp_path / "town" / "pictures"
    shipped = ship_pictures(rendered, out)
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert files == ["database.csv", "database/1.jpg", "queries.csv", "queries/1.jpg"]
    assert (shipped.database, shipped.queries) == (1, 1)
    assert shipped.total_bytes == sum((out / side / "1.jpg").stat().st_size for side in ("database", "queries"))
    assert read_table(out / "queries.csv") == read_table(rendered / "queries.csv")[-1:]
    (place,) = read_source(out / "queries").places
    assert place.heading_deg == pytest.approx(271.5)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "queries" / "old.jpg").write_bytes(b"of an earlier town")
    ship_pictures(rendered, out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in out.parent.iterdir()] == ["pictures"]


def test_folder_of_something_else_is_left_alone(rendered: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(InvalidInput, match="holds something else than pictures of the demo"):
        ship_pictures(rendered, tmp_path / "mine")
    assert (tmp_path / "mine" / "holiday.jpg").read_bytes() == b"mine"


def test_folder_that_is_no_rendered_split_is_named(rendered: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="python -m demo render --split test"):
        ship_pictures(tmp_path / "nowhere", tmp_path / "out")
    (rendered / "queries.csv").write_text("path,lat,lon\n1.jpg,1,2\n", "utf-8")
    with pytest.raises(InvalidInput, match="has no column latitude"):
        ship_pictures(rendered, tmp_path / "out")


def test_unfinished_rendering_is_named_and_nothing_written(rendered: Path, tmp_path: Path) -> None:
    (rendered / "queries" / "1.jpg").unlink()
    with pytest.raises(InvalidInput, match=r"1\.jpg cannot be read .*give the command again"):
        ship_pictures(rendered, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_are_shipped_in_half_the_space(town: ShippedTown, tmp_path: Path) -> None:
    size_bytes = ship_weights(town.weights, tmp_path / "weights.safetensors")
    assert size_bytes < 0.6 * town.weights.stat().st_size
    description = describe_weights(tmp_path / "weights.safetensors")
    assert (description.is_trained, description.stored_as) == (True, "float16")


def test_network_that_is_not_trained_or_too_large_is_not_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, town: ShippedTown
) -> None:
    save_network(seeded_network(CONFIG), tmp_path / "seeded.safetensors")
    with pytest.raises(InvalidInput, match="is not a trained network"):
        ship_weights(tmp_path / "seeded.safetensors", tmp_path / "weights.safetensors")
    monkeypatch.setattr(shipping, "MAX_WEIGHTS_BYTES", 1000)
    with pytest.raises(InvalidInput, match="ship a smaller network"):
        ship_weights(town.weights, tmp_path / "weights.safetensors")
    assert not (tmp_path / "weights.safetensors").exists()
