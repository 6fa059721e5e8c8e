"""Lists of the queries that count."""

from pathlib import Path

import pytest

from index_builder.errors import SourceError
from index_builder.sources.query_list import key_of, select_queries
from model.geo import LatLon
from model.places import Place

UTM_NAME = "@0548000.00@6170000.00@32@U@055.67600@0012.56800@Xy-9_z@@269@@@@2018@day_forward_cph@.jpg"
QUERIES = [
    Place(name, Path("images") / name, LatLon(1, 2)) for name in (UTM_NAME, "a/1.jpg", "b/1.jpg", "b/2.png", "k.jpg")
]


def select(folder: Path, text: str) -> list[str]:
    (folder / "list.txt").write_text(text)
    return [place.id for place in select_queries(QUERIES, folder / "list.txt")]


def test_queries_go_by_many_names(tmp_path: Path) -> None:
    text = "# official\n\nXy-9_z\na/1.jpg\nsome/where/2.png\n  k  \n"
    assert select(tmp_path, text) == [UTM_NAME, "a/1.jpg", "b/2.png", "k.jpg"]
    assert select(tmp_path, f"{UTM_NAME}\nb/1.jpg") == [UTM_NAME, "b/1.jpg"]


def test_the_key_is_what_the_data_set_says(tmp_path: Path) -> None:
    assert [key_of(query) for query in QUERIES] == ["Xy-9_z", "1", "1", "2", "k"]
    assert key_of(Place("x", tmp_path / "@1@2@.jpg", LatLon(1, 2))) == "@1@2@"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k\nnone\n", "line 2: 'none' is none of the queries"),
        ("1\n", "line 1: '1' is the name of 2 queries"),
        ("k\nk.jpg\n", "line 2: 'k.jpg' is listed twice"),
        ("# nothing\n", "names no query"),
    ],
)
def test_a_list_of_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        select(tmp_path, text)


def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.txt cannot be read"):
        select_queries(QUERIES, tmp_path / "gone.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SourceError, match="cannot be read"):
        select_queries(QUERIES, tmp_path / "binary")
