"""A split is read whole, and its queries are grouped by their light."""

from pathlib import Path

import pytest

from benchmarks.split import groups, read_conditions, read_split
from index_builder.errors import SourceError
from tests.benchmarks.town_split import write_split


def test_conditions_belong_to_their_queries(tmp_path: Path) -> None:
    split = read_split(write_split(tmp_path / "val"))
    assert len(split.database) == len(split.queries) == len(split.conditions) == 12
    assert split.conditions[:5] == ("sun", "overcast", "night", "rain", "sun")
    parts = groups(split.conditions)
    assert {name: int(part.sum()) for name, part in parts.items()} == {"all": 12, "day": 6, "night": 3}
    assert parts["night"].nonzero()[0].tolist() == [2, 6, 10]


def test_a_group_without_queries_is_left_out() -> None:
    assert list(groups(("sun", "fog"))) == ["all", "day"]


def test_a_missing_picture_is_an_error(tmp_path: Path) -> None:
    folder = write_split(tmp_path / "val")
    (folder / "queries" / "03.jpg").unlink()
    with pytest.raises(SourceError, match=r"03\.jpg.*render the split again"):
        read_split(folder)


def test_without_conditions_there_is_no_day_and_night(tmp_path: Path) -> None:
    file = tmp_path / "queries.csv"
    file.write_text("path,latitude,longitude\na.jpg,1,2\n", "utf-8")
    with pytest.raises(SourceError, match="no column condition"):
        read_conditions(file)
