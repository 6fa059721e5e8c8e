"""Every picture of a training is decoded before it starts, and not twice."""

import json
import os
from pathlib import Path

import pytest

from model.errors import StorageError
from model.images import check_header
from model.training.data import TrainingSet
from model.training.errors import UnsuitableTrainingData
from model.training.picture_check import CHECKED_PICTURES, check_pictures, read_checked
from tests.model.training.small_run import small_set


def check(places: TrainingSet, folder: Path, *, more: tuple[TrainingSet, ...] = ()) -> list[tuple[int, int]]:
    """Check, and return the reported progress."""
    told: list[tuple[int, int]] = []
    check_pictures((places, *more), folder, decoders=2, on_checked=lambda done, total: told.append((done, total)))
    return told


def truncate(path: Path) -> None:
    """Cut a JPEG off behind its header."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])


def test_pictures_that_are_cut_off_behind_a_good_header_are_all_named(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    for number in (2, 4, 5, 6, 7, 8, 9):
        truncate(places.database[number].path)
    check_header(places.database[2].path)  # which finds no problem
    with pytest.raises(UnsuitableTrainingData, match=r"^7 of 24 pictures cannot be read: ") as refused:
        check(places, tmp_path / "run")
    message = refused.value.message
    assert [name in message for name in ("02.jpg", "04.jpg", "05.jpg", "06.jpg", "07.jpg")] == [True] * 5
    assert not any(name in message for name in ("08.jpg", "09.jpg"))
    assert "; …. Repair them" in message


def test_all_pictures_are_counted_once(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    assert check(places, tmp_path / "run", more=(places,)) == [(done, 24) for done in range(25)]


def test_what_passed_is_not_decoded_again(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    check(places, tmp_path / "run")
    assert check(places, tmp_path / "run") == [(24, 24)]
    # Damage that does not change size and time is not noticed, which proves that nothing is decoded.
    path = places.queries[3].path
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert check(places, tmp_path / "run") == [(24, 24)]
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(UnsuitableTrainingData, match=r"1 of 24 pictures cannot be read: .*queries/03\.jpg"):
        check(places, tmp_path / "run")


def test_a_picture_that_changed_is_decoded_again_and_alone(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    check(places, tmp_path / "run")
    good = places.database[1].path.read_bytes()
    truncate(places.database[1].path)
    with pytest.raises(UnsuitableTrainingData, match=r"1 of 24 .*01\.jpg"):
        check(places, tmp_path / "run")
    assert len(read_checked(tmp_path / "run")) == 23
    places.database[1].path.write_bytes(good)
    assert check(places, tmp_path / "run") == [(23, 24), (24, 24)]


def test_a_picture_that_is_missing_is_named(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    check(places, tmp_path / "run")
    places.database[0].path.unlink()
    with pytest.raises(UnsuitableTrainingData, match=r"1 of 24 .*database/00\.jpg"):
        check(places, tmp_path / "run")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"format": 2, "pictures": {}}',
        b'{"format": 1, "pictures": []}',
        b'{"format": 1, "pictures": {"a.jpg": 3}}',
        b'{"format": 1, "pictures": {"a.jpg": [1]}}',
        b'{"format": 1, "pictures": {"a.jpg": [1, "x"]}}',
        b'{"format": 1, "pictures": {"a.jpg": [1, 1e999]}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_memory_is_ignored_and_made_anew(tmp_path: Path, content: bytes) -> None:
    places = small_set(tmp_path)
    folder = tmp_path / "run"
    check(places, folder)
    whole = (folder / CHECKED_PICTURES).read_bytes()
    (folder / CHECKED_PICTURES).write_bytes(content)
    assert read_checked(folder) == {}
    assert check(places, folder)[0] == (0, 24)
    assert (folder / CHECKED_PICTURES).read_bytes() == whole
    assert [path.name for path in folder.iterdir()] == [CHECKED_PICTURES]


def test_names_that_are_no_text_are_remembered(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    path = places.database[0].path
    odd = path.with_name(os.fsdecode(b"\xff\xfe.jpg"))
    try:
        path.rename(odd)
    except OSError:
        pytest.skip("the file system takes no such names")
    odd_places = TrainingSet([type(places.database[0])("odd", odd, places.database[0].position)], [])
    check(odd_places, tmp_path / "run")
    assert check(odd_places, tmp_path / "run") == [(1, 1)]
    json.loads((tmp_path / "run" / CHECKED_PICTURES).read_bytes())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    (tmp_path / "run").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"cannot be written to .*run: .*name another folder as run\.folder"):
        check(places, tmp_path / "run")
