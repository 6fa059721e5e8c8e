"""Columns as people call them, and lines as their programs end them."""

import pytest

from index_builder.errors import SourceError
from index_builder.sources.read import read_source
from model.geo import LatLon
from tests.index_builder.sources.conftest import WriteFile

POSITION = LatLon(48.2083, 16.3725)


def test_a_layer_of_photos_of_qgis_as_a_table(write_file: WriteFile) -> None:
    """It has the path of another computer in one column, and the name without its suffix in another."""
    head = "photo,filename,directory,direction,longitude,latitude,timestamp"
    row = "/home/me/a.jpg,a,/home/me,90,16.3725,48.2083,2024-05-06T07:08:09"
    [place] = read_source(write_file("layer.csv", f"{head}\n{row}\n")).places
    assert place.position == POSITION
    assert (place.id, place.heading_deg) == ("a.jpg", 90)


def test_names_of_columns_may_have_units(write_file: WriteFile) -> None:
    file = write_file("a.csv", "image,Latitude (deg),longitude [°],heading (degrees)\na.jpg,48.2083,16.3725,90\n")
    [place] = read_source(file).places
    assert place.position == POSITION
    assert place.heading_deg == 90


def test_bars_between_columns(write_file: WriteFile) -> None:
    [place] = read_source(write_file("a.csv", "path|lat|lon\na.jpg|48.2083|16.3725\n")).places
    assert place.position == POSITION


@pytest.mark.parametrize("first_line", ["", "sep=;\r"])
def test_lines_of_an_old_macintosh(write_file: WriteFile, first_line: str) -> None:
    file = write_file("a.csv", f"{first_line}path;lat;lon\ra.jpg;48,2083;16,3725\r")
    assert read_source(file).places[0].position == POSITION


def test_a_table_without_names_of_columns_says_so(write_file: WriteFile) -> None:
    with pytest.raises(SourceError, match=r"first line is a\.jpg, 48\.2, 16\.3: put the names of the columns above it"):
        read_source(write_file("a.csv", "a.jpg,48.2,16.3\nb.jpg,48.2,16.4\n"))


def test_columns_that_are_called_otherwise_are_asked_for(write_file: WriteFile) -> None:
    with pytest.raises(SourceError, match="--path-column NAME and --latitude-column NAME and --longitude-column NAME"):
        read_source(write_file("a.csv", "Dateiname;Breitengrad;Längengrad\na.jpg;48,2;16,3\n", "cp1252"))
