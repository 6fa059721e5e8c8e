"""Options that make no sense are refused before the work."""

import re
from pathlib import Path

import pytest

from index_builder.errors import SourceError
from model.errors import InvalidInput, PlacefixError
from model.weights_errors import WeightsError
from place_map.errors import MapNotFound
from tests.placefix.evaluation.small_set import Set, error_of


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        (["--queries", "Q"], InvalidInput, "there is nothing to search"),
        (["--queries", "Q", "--map", "M", "--database", "D"], InvalidInput, "two databases"),
        (["--queries", "Q", "--map", "M", "--store", "float32"], InvalidInput, "has its own"),
        (["--queries", "Q", "--map", "M", "--frame-tolerance", "1"], InvalidInput, "does not keep frame numbers"),
        (["--queries", "Q", "--map", "M", "--preprocess", "official-eval"], InvalidInput, "was built with"),
        (["--queries", "Q", "--map", "M", "--differences"], InvalidInput, "maps of both kinds"),
        (["--queries", "Q", "--map", "nowhere"], MapNotFound, "nowhere"),
        (["--queries", "nowhere", "--map", "M"], SourceError, "does not exist"),
        (["--queries", "Q", "--map", "M", "--rerank", "5"], InvalidInput, "recall@20 needs as many candidates"),
        (["--queries", "Q", "--map", "M", "--recalls", "five"], InvalidInput, "whole numbers"),
        (["--queries", "Q", "--map", "M", "--recalls", "0"], InvalidInput, "from 1 to 1000"),
        (["--queries", "Q", "--map", "M", "--threshold-m", "-1"], InvalidInput, "from 0 up"),
        (["--queries", "Q", "--map", "M", "--threshold-m", "0"], InvalidInput, "not one of 6 queries has a positive"),
        (["--queries", "Q", "--map", "M", "--heading-deg", "200"], InvalidInput, r"\[0, 180\]"),
        (["--queries", "Q", "--map", "M", "--expect", "nothing"], InvalidInput, "no published row"),
        (["--queries", "Q", "--map", "M", "--expect", "msls-val"], InvalidInput, "18,871 pictures, and this"),
        (["--queries", "Q", "--map", "M", "--published", "x", "--expect", "y"], InvalidInput, "cannot be read"),
        (["--queries", "Q", "--database", "D", "--weights", "nothing"], WeightsError, "nothing"),
        (["--queries", "Q", "--database", "D", "--weights", "W", "--frame-tolerance", "1"], SourceError, "not a CSV"),
        (
            ["--queries", "Q", "--database", "D", "--weights", "W", "--frame-tolerance", "1", "--threshold-m", "5"],
            InvalidInput,
            "by frames, or by metres",
        ),
        (["--queries", "Q", "--queries", "Q", "--map", "M"], SourceError, "both have a picture"),
    ],
)
def test_what_makes_no_sense_is_told_before_the_work(
    flags: list[str], error: type[PlacefixError], message: str, town: Set, town_map: Path
) -> None:
    paths = {"Q": town.folder / "queries", "D": town.folder / "database", "M": town_map, "W": town.weights}
    found = error_of(*(paths.get(flag, flag) for flag in flags))
    assert isinstance(found, error), found
    assert re.search(message, found.message), found.message


def test_unreadable_pictures_are_found_before_the_work(town: Set, tmp_path: Path) -> None:
    folder = tmp_path / "queries"
    folder.mkdir()
    for query in town.queries[:3]:
        (folder / query.id).write_bytes(query.path.read_bytes())
    (folder / town.queries[1].id).write_bytes(b"no picture")
    arguments = ["--database", town.folder / "database", "--queries", folder, "--weights", tmp_path / "not looked for"]
    error = error_of(*arguments)
    assert isinstance(error, SourceError)
    assert "is not a picture" in error.message
    assert town.queries[1].id in error.message


def test_headings_that_nobody_knows_are_no_criterion(town: Set, tmp_path: Path) -> None:
    rows = [f"{place.path},{place.position.latitude},{place.position.longitude}" for place in town.queries]
    (tmp_path / "queries.csv").write_text("path,lat,lon\n" + "\n".join(rows))
    arguments = ["--database", town.folder / "database", "--queries", tmp_path / "queries.csv"]
    error = error_of(*arguments, "--weights", town.weights, "--heading-deg", 40)
    assert isinstance(error, InvalidInput)
    assert "no picture of the queries has a heading" in error.message
