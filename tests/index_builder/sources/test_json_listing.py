"""Which kind of JSON a file is, and what is none."""

import pytest

from index_builder.errors import SourceError
from index_builder.sources.json_file import JSON_SUFFIXES
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from tests.index_builder.sources.conftest import WriteJson


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"type": "Topology", "objects": None}, "it is an object with the members type, objects"),
        ({}, "it is an empty object"),
        ({"data": {}}, "it is an object with the members data"),
        ("7", "it is neither an object nor a list"),
        ([{"filename": "a.jpg", "lat": 1}], "the first entry of its list is an object with the members filename, lat"),
        ({"data": [{"id": "1"}]}, "the first entry of its list is an object with the members id"),
        ([[1, 2]], "the first entry of its list is a list"),
        ({f"m{number}": 1 for number in range(9)}, "m6, m7, …"),
    ],
)
def test_an_unknown_kind_is_told_those_that_are_known(write_json: WriteJson, document: object, found: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_source(write_json(document))
    for expected in (found, "Mapillary API", "mapillary_image_description.json", "FeatureCollection"):
        assert expected in caught.value.message


def test_an_unknown_kind_in_lines(write_json: WriteJson) -> None:
    with pytest.raises(SourceError, match="the first line of its list is an object with the members x"):
        read_source(write_json('\n{"x": 1}\n', "list.jsonl"))


@pytest.mark.parametrize(("document", "name"), [([], "a.json"), ({"data": []}, "a.json"), ("\n\n", "a.jsonl")])
def test_empty_lists_are_refused(write_json: WriteJson, document: object, name: str) -> None:
    with pytest.raises(SourceError, match="lists no pictures"):
        read_source(write_json(document, name))


@pytest.mark.parametrize(
    ("text", "name", "where"),
    [
        ('[\n  {"id": "1",\n   "geometry" 5}]', "a.json", "line 3, column 15"),
        ('{"id": 1, "geometry": null}\n\n{"id": 2,, }', "a.jsonl", "line 3, column 10"),
        ("", "a.json", "line 1, column 1"),
        ("[" * 100_000, "a.json", "nests lists or objects too deep"),
        (f"[{'9' * 5000}]", "a.json", "a number that is too long"),
    ],
)
def test_broken_json_is_told_its_place(write_json: WriteJson, text: str, name: str, where: str) -> None:
    with pytest.raises(SourceError, match=where):
        read_source(write_json(text, name))


def test_other_encodings_are_refused_and_a_byte_order_mark_is_not(write_json: WriteJson) -> None:
    file = write_json("")
    file.write_bytes('{"data": [{"id": 1, "geometry": null}]}'.encode("utf-8-sig"))
    assert len(read_source(file)) == 1
    file.write_bytes('[\n"ä"]'.encode("latin-1"))
    with pytest.raises(SourceError, match=r"not UTF-8 \(line 2\): save it as JSON"):
        read_source(file)


@pytest.mark.parametrize("suffix", sorted(JSON_SUFFIXES))
def test_columns_are_for_tables(write_json: WriteJson, suffix: str) -> None:
    with pytest.raises(SourceError, match="is not a table: columns can be named for a CSV file only"):
        read_source(write_json([{"id": 1, "geometry": None}], f"list{suffix}"), ReadOptions(latitude_column="lat"))
