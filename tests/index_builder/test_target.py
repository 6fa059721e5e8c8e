"""Paths that a map cannot appear at: told before anything long begins."""

from pathlib import Path

import pytest

from index_builder.target import check_target, map_name_of
from model.errors import InvalidInput
from place_map.errors import MapExists


def test_paths_that_are_free(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "maps").symlink_to(tmp_path / "empty")
    for out in (tmp_path / "town", tmp_path / "empty", tmp_path / "maps" / "town", tmp_path / "new" / "A-1_b.c"):
        check_target(out)


@pytest.mark.parametrize("name", ["file", "folder", "link_to_file"])
def test_what_exists_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("something")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    (tmp_path / "link_to_file").symlink_to("file")
    with pytest.raises(MapExists, match="another name"):
        check_target(tmp_path / name)


def test_what_an_unfinished_build_may_have_published_is_not_judged_here(tmp_path: Path) -> None:
    (tmp_path / "town" / "segments").mkdir(parents=True)
    (tmp_path / ".town.building").mkdir()
    check_target(tmp_path / "town")


@pytest.mark.parametrize("target", ["nowhere", "empty"])
def test_links_cannot_become_maps(tmp_path: Path, target: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "town").symlink_to(tmp_path / target)
    with pytest.raises(InvalidInput, match="is a link"):
        check_target(tmp_path / "town")


def test_mount_points_cannot_become_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "volume").mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "volume")
    with pytest.raises(InvalidInput, match=r"mount point.*--out .*/volume/NAME"):
        check_target(tmp_path / "volume")
    check_target(tmp_path / "volume" / "town")


@pytest.mark.parametrize("name", [".hidden", "with space", "a?b", "ä", "..", "-x", "a\n"])
def test_a_name_that_cannot_be_part_of_an_address_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="name of a map"):
        check_target(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Große Straße", "Grosse-Strasse"),
        ("Zu\u0308rich", "Zuerich"),
        ("São Paulo", "Sao-Paulo"),
        ("-a b-", "a-b"),
        ("?", "map"),
    ],
)
def test_a_name_that_cannot_be_is_answered_with_one_that_can(tmp_path: Path, name: str, proposed: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_target(tmp_path / name)
    assert str(tmp_path / proposed) in caught.value.message
    assert map_name_of(tmp_path / name) == proposed
