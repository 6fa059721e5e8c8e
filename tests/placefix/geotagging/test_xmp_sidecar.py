"""An estimate in XMP beside a photo: one element more, and one element less."""

from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring

from placefix.geotagging.errors import CannotWrite
from placefix.geotagging.xmp_sidecar import (
    NAMESPACE,
    has_estimate,
    has_position,
    remove_from_sidecar,
    sidecar_of,
    write_sidecar,
)
from tests.placefix.geotagging.estimates import METHOD, NORTH_WEST, SOUTH_EAST

OF_DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="uuid:1" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3"><xmp:Label>ö</xmp:Label>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
WITH_POSITION = OF_DARKTABLE.replace(
    "<xmp:Label>", '<exif:GPSLatitude xmlns:exif="http://ns.adobe.com/exif/1.0/">55,42.3N</exif:GPSLatitude><xmp:Label>'
)
EXIF = "{http://ns.adobe.com/exif/1.0/}"
OWN = f"{{{NAMESPACE}}}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def said(photo: Path) -> dict[str, str]:
    root = fromstring(sidecar_of(photo).read_bytes())
    return {name: value for each in root.iter(f"{RDF}Description") for name, value in each.attrib.items()}


def test_a_new_file_holds_the_estimate_alone(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    assert write_sidecar(photo, NORTH_WEST) == tmp_path / "a.jpg.xmp"
    assert said(photo) == {
        f"{RDF}about": "",
        f"{EXIF}GPSLatitude": "55,42.350474N",
        f"{EXIF}GPSLongitude": "13,11.592600W",
        f"{EXIF}GPSMapDatum": "WGS-84",
        f"{EXIF}GPSProcessingMethod": METHOD,
        f"{EXIF}GPSHPositioningError": "125/10",
        f"{OWN}Status": "localized",
        f"{OWN}Confidence": "0.9874",
        f"{OWN}RadiusM": "12.5",
        f"{OWN}Level": "0.95",
        f"{OWN}Map": "lund ö",
        f"{OWN}MapVersion": "000002",
    }
    assert has_estimate(photo)
    assert not has_position(photo)
    remove_from_sidecar(photo)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [OF_DARKTABLE, OF_DARKTABLE.replace("\n", "\r\n"), "\ufeff" + OF_DARKTABLE])
def test_all_else_in_a_file_stays(text: str, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    sidecar_of(photo).write_bytes(text.encode())
    write_sidecar(photo, SOUTH_EAST)
    found = said(photo)
    assert found[f"{RDF}about"] == "uuid:1"
    assert found["{http://ns.adobe.com/xap/1.0/}Rating"] == "3"
    assert found[f"{EXIF}GPSLatitude"] == "33,54.000000S"
    assert f"{OWN}Confidence" not in found
    remove_from_sidecar(photo)
    assert sidecar_of(photo).read_bytes() == text.encode()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (WITH_POSITION, "has a position already"),
        ("not XML", "is not XMP"),
        (OF_DARKTABLE.encode("utf-16").decode("latin-1"), "is not XMP"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "is not XMP"),
        ("<a/>", "its descriptions have no end"),
    ],
)
def test_a_file_that_cannot_be_written_stays_as_it_is(text: str, says: str, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    sidecar_of(photo).write_text(text, "utf-8")
    with pytest.raises(CannotWrite, match=says):
        write_sidecar(photo, NORTH_WEST)
    assert sidecar_of(photo).read_text("utf-8") == text


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp", "a.XMP"])
def test_a_position_beside_a_photo_is_seen(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(WITH_POSITION, "utf-8")
    assert has_position(tmp_path / "a.jpg")
    assert not has_estimate(tmp_path / "a.jpg")


def test_an_estimate_that_another_program_has_written_anew_is_told(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    write_sidecar(photo, NORTH_WEST)
    text = sidecar_of(photo).read_text("utf-8").replace("<rdf:Description rdf:about", "<rdf:Description\nrdf:about")
    sidecar_of(photo).write_text(text, "utf-8")
    with pytest.raises(CannotWrite, match="another program has written the estimate anew"):
        remove_from_sidecar(photo)
    assert sidecar_of(photo).read_text("utf-8") == text
