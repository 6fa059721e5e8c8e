"""Pictures that change, vanish or become unreadable while a map is made of them."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.sources.listing import SourceListing
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.progress import Progress, SilentProgress
from place_map.reader import PlaceMap
from tests.conftest import write_photo
from tests.faults.map_state import left_out_of
from tests.faults.operations import small_encoder
from tests.index_builder.map_factory import photo_listing

OPTIONS = BuildOptions(batch_size=2, segment_size=4, max_rejected=0.5)
COUNT = 14


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return small_encoder()


class OnFirstBatch(SilentProgress):
    """Call a function when the first batch is done; the next ones may be decoded already, the last ones are not."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act: Callable[[], None] | None = act

    def advanced(self, count: int) -> None:  # noqa: ARG002
        if self._act is not None:
            act, self._act = self._act, None
            act()


def vanish(path: Path) -> None:
    path.unlink()


def become_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.jpg")


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def lose_its_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def become_empty(path: Path) -> None:
    path.write_bytes(b"")


def become_secret(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads what nobody may read")
    path.chmod(0)


REJECTED: dict[Callable[[Path], None], tuple[str, str]] = {
    vanish: ("unreadable_image", "No such file"),
    become_a_directory: ("unreadable_image", "not a regular file"),
    become_a_dangling_link: ("unreadable_image", "No such file"),
    become_a_pipe: ("unreadable_image", "not a regular file"),
    lose_its_end: ("corrupt_image", ""),
    become_empty: ("empty_image", ""),
    become_secret: ("unreadable_image", "Permission denied"),
}

Make = Callable[[SourceListing, Encoder, Path, Progress], Path]


def by_building(listing: SourceListing, encoder: Encoder, folder: Path, progress: Progress) -> Path:
    build_map(listing, encoder, folder / "town", OPTIONS, progress)
    return folder / "town"


def by_adding(listing: SourceListing, encoder: Encoder, folder: Path, progress: Progress) -> Path:
    build_map(photo_listing(folder / "first", 3), encoder, folder / "town", OPTIONS)
    add_pictures(folder / "town", listing, encoder, OPTIONS, progress, prefix="more/")
    return folder / "town"


@pytest.mark.parametrize("make", [by_building, by_adding])
@pytest.mark.parametrize("happen", REJECTED)
def test_a_picture_that_is_lost_meanwhile_is_left_out(
    happen: Callable[[Path], None], make: Make, tmp_path: Path, encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", COUNT)
    lost = listing.places[-2:]

    def act() -> None:
        for place in lost:
            happen(place.path)

    map_dir = make(listing, encoder, tmp_path, OnFirstBatch(act))
    left_out = left_out_of(map_dir)
    assert left_out.keys() == {place.id for place in lost}
    code, reason = REJECTED[happen]
    for outcome, found_code, found_reason in left_out.values():
        assert (outcome, found_code) == ("rejected", code)
        assert reason in found_reason
    with PlaceMap.open(map_dir) as place_map:
        assert [place_id.removeprefix("more/") for place_id in place_map.places.ids[2 - COUNT :]] == [
            place.id for place in listing.places[:-2]
        ]
    assert verify_map(map_dir, encoder=encoder).is_good


@pytest.mark.parametrize("make", [by_building, by_adding])
def test_a_picture_that_changes_meanwhile_is_one_or_the_other(make: Make, tmp_path: Path, encoder: Encoder) -> None:
    """Whatever the map holds of it, sum and features are of the same bytes."""
    listing = photo_listing(tmp_path / "photos", COUNT)
    before = [place.path.read_bytes() for place in listing.places]
    contents: dict[str, bytes] = {sha256(content).hexdigest(): content for content in before}

    def act() -> None:
        for number, place in enumerate(listing.places):
            content = write_photo(place.path, seed=100 + number).read_bytes()
            contents[sha256(content).hexdigest()] = content

    map_dir = make(listing, encoder, tmp_path, OnFirstBatch(act))
    with PlaceMap.open(map_dir) as place_map:
        records = {
            each.id.removeprefix("more/"): each for each in (place_map.places[row] for row in range(len(place_map)))
        }
    assert records["00.jpg"].content_sha256 == sha256(before[0]).hexdigest() or make is by_adding
    assert records["13.jpg"].content_sha256 != sha256(before[13]).hexdigest()
    for place in listing.places:  # as it was when it was encoded; then verify encodes it again
        place.path.write_bytes(contents[records[place.id].content_sha256])
    assert verify_map(map_dir, encoder=encoder).is_good
