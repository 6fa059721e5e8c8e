"""Catalogues of STAC on the disk, as pystac and other programs save them."""

import json
from pathlib import Path

import pytest

from index_builder.errors import SourceError
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions


def write_item(file: Path, *hrefs: str) -> None:
    said = {
        "type": "Feature",
        "id": file.stem,
        "geometry": {"type": "Point", "coordinates": [16.25, 48.5]},
        "properties": {},
        "assets": {str(number): {"href": href, "type": "image/jpeg"} for number, href in enumerate(hrefs)},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(said))


def write_catalogue(file: Path, *links: tuple[str, str], kind: str = "Collection") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"type": kind, "id": "c", "links": [{"rel": rel, "href": to} for rel, to in links]}))
    return file


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_assets_lie_beside_their_items(tmp_path: Path) -> None:
    """The layout of pystac: a folder for each item, and a collection below a catalogue."""
    write_item(tmp_path / "street/a/a.json", "./pic%20one.jpg")
    write_item(tmp_path / "street/b/b.json", "https://example.org/never/fetched/b.jpg", "../pictures/b.jpg")
    touch(tmp_path / "street/a/pic one.jpg")
    touch(tmp_path / "street/pictures/b.jpg")
    links = ("root", "../catalog.json"), ("parent", "../catalog.json"), ("item", "./a/a.json"), ("item", "b/b.json")
    collection = write_catalogue(tmp_path / "street/collection.json", *links)
    listing = read_source(collection)
    assert listing.kind == "stac"
    assert [(place.id, place.path.relative_to(tmp_path).as_posix()) for place in listing.places] == [
        ("a", "street/a/pic one.jpg"),
        ("b", "street/pictures/b.jpg"),
    ]
    catalogue = write_catalogue(tmp_path / "catalog.json", ("child", "street/collection.json"), kind="Catalog")
    assert read_source(catalogue).places == listing.places


def test_pictures_below_a_root_of_their_own(tmp_path: Path) -> None:
    write_item(tmp_path / "lists/a/a.json", "a.jpg")
    touch(tmp_path / "pictures/a/a.jpg")
    collection = write_catalogue(tmp_path / "lists/collection.json", ("item", "a/a.json"))
    [place] = read_source(collection, ReadOptions(root=tmp_path / "pictures")).places
    assert place.path == tmp_path / "pictures/a/a.jpg"


def test_every_link_is_accounted_for(tmp_path: Path) -> None:
    write_item(tmp_path / "a.json", "a.jpg")
    touch(tmp_path / "a.jpg")
    (tmp_path / "broken.json").write_text("{")
    links = ["a.json", "a.json", "gone.json", "broken.json", "https://example.org/b.json"]
    listing = read_source(write_catalogue(tmp_path / "collection.json", *(("item", link) for link in links)))
    assert [place.id for place in listing.places] == ["a"]
    reasons = [left.reason for left in listing.left_out]
    assert len(reasons) == 3
    for reason, said in zip(
        reasons, ("gone.json cannot be read", "broken.json is not JSON", "downloaded"), strict=True
    ):
        assert "collection.json leads to" in reason
        assert said in reason


def test_catalogues_that_lead_to_each_other(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "b.json", ("child", "a.json"))
    with pytest.raises(SourceError, match="no links to items"):
        read_source(write_catalogue(tmp_path / "a.json", ("child", "b.json")))
