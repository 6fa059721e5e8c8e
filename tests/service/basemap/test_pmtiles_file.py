"""Tiles from a file."""

import asyncio
import os
from pathlib import Path

import pytest
from pmtiles.tile import Compression, TileType

from model.errors import InvalidInput
from service.basemap.credits import read_credits
from service.basemap.opening import open_basemap
from service.basemap.pmtiles_file import PmtilesFile
from service.basemap.tile import Credit
from service.errors import BasemapFailed
from tests.service.basemap.tiles import picture, write_pmtiles

TILES = {(0, 0, 0): picture("navy"), (1, 1, 0): picture("teal"), (2, 3, 3): picture("olive", "JPEG")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_pmtiles(tmp_path / "town.pmtiles", TILES)


def test_each_tile_comes_as_it_was_written(path: Path) -> None:
    async def read() -> None:
        basemap = PmtilesFile(path, None)
        assert (basemap.min_zoom, basemap.max_zoom) == (0, 2)
        for place, content in TILES.items():
            tile = await basemap.tile(*place)
            assert tile is not None
            assert tile.content == content
        assert (await basemap.tile(2, 3, 3)).media_type == "image/jpeg"  # type: ignore[union-attr]
        assert await basemap.tile(1, 0, 0) is None
        await basemap.close()

    asyncio.run(read())


def test_the_file_says_whose_it_is_unless_the_operator_does(path: Path) -> None:
    of_file = PmtilesFile(path, None).credits
    assert Credit("Example & Co", "https://maps.example.org/about") in of_file
    assert "script" not in "".join(each.text for each in of_file)
    assert PmtilesFile(path, "My own").credits == (Credit("My own", None),)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", ()),
        ("© A", (Credit("© A", None),)),
        ("© A<script>x()</script>", (Credit("© A", None),)),
        ('<a href="javascript:x()">A</a>', (Credit("A", None),)),
        (
            '<a href="HTTPS://a.example">A\n B</a>, <b>C</b>',
            (Credit("A B", "HTTPS://a.example"), Credit(", ", None), Credit("C", None)),
        ),
    ],
)
def test_credits_are_texts_and_links(html: str, expected: tuple[Credit, ...]) -> None:
    assert read_credits(html) == expected


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"tile_type": TileType.MVT}, "MVT"),
        ({"tile_compression": Compression.GZIP}, "compressed once more"),
    ],
)
def test_what_the_page_cannot_show_is_refused(header: dict[str, object], says: str, tmp_path: Path) -> None:
    path = write_pmtiles(tmp_path / "wrong.pmtiles", TILES, **header)
    with pytest.raises(InvalidInput, match=says):
        PmtilesFile(path, None)


def test_what_is_no_file_of_tiles_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be opened"):
        open_basemap(str(tmp_path / "no.pmtiles"), None, 19, "1")
    (tmp_path / "text.pmtiles").write_text("hello")
    with pytest.raises(InvalidInput, match=r"is not a file of PMTiles"):
        open_basemap(str(tmp_path / "text.pmtiles"), None, 19, "1")
    with pytest.raises(InvalidInput, match=r"NAME\.pmtiles"):
        open_basemap("tiles.mbtiles", None, 19, "1")
    assert open_basemap(None, None, 19, "1") is None


def test_a_file_that_is_cut_or_damaged_ends_one_answer(path: Path) -> None:
    async def read() -> None:
        basemap = PmtilesFile(path, None)
        os.truncate(path, 300)
        with pytest.raises(BasemapFailed):
            await basemap.tile(2, 3, 3)

    asyncio.run(read())


def test_a_tile_that_is_no_picture_is_not_handed_on(tmp_path: Path) -> None:
    path = write_pmtiles(tmp_path / "html.pmtiles", {(0, 0, 0): b"<html>hello</html>"})
    with pytest.raises(BasemapFailed, match="does not hold a picture"):
        asyncio.run(PmtilesFile(path, None).tile(0, 0, 0))
