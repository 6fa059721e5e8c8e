"""OpenDroneMap's ``geo.txt``: where the pictures beside it were taken.

The first line states the reference system: ``EPSG:4326``, ``WGS84 UTM 33N``, or a string of PROJ. Each further line is
``name x y [z [yaw pitch roll [horizontal error [vertical error]]]]``, separated by blanks. A name may hold blanks if it
ends as names of pictures do.
"""

import re
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.coordinates import parse_number
from index_builder.sources.gathering import Gathering, gather
from index_builder.sources.geotag import Geotag
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing
from index_builder.sources.pictures import PICTURE_SUFFIXES
from index_builder.sources.reference_systems import ReferenceSystem, reference_system
from index_builder.sources.rules import Rules
from index_builder.sources.text_file import read_text
from model.geo import LatLon
from model.positions import PositionFault, Unplaced

IMAGES = "images"

_NAME = re.compile(
    rf"(.+?(?:{'|'.join(map(re.escape, sorted(PICTURE_SUFFIXES)))}))(?=\s+[-+]?[.,]?\d|\s*$)", re.IGNORECASE
)


def read_geo_txt(file: Path, rules: Rules, on_progress: OnProgress | None = None) -> SourceListing:
    """List the pictures of a ``geo.txt``, which lie beside it or in ``images``; they are not opened.

    Args:
        file: The file.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of lines read so far.

    Returns:
        The listing, of kind ``geo.txt``, in the file's order. Ids are the paths.

    Raises:
        SourceError: The file cannot be read, its first line names no reference system, or it lists nothing.
    """
    lines = [
        (number, _fields_of(line.strip())) for number, line in enumerate(read_text(file, "text").splitlines(), start=1)
    ]
    lines = [(number, fields) for number, fields in lines if fields and not fields[0].startswith("#")]
    if not lines:
        raise SourceError(f"{file} is empty: its first line states the reference system, as in EPSG:4326")
    if _is_picture(lines[0][1]):
        raise SourceError(
            f"{file}, line {lines[0][0]}, lists a picture: put the reference system above it, as EPSG:4326 for "
            "longitudes and latitudes"
        )
    system = reference_system(" ".join(lines[0][1]), f"{file}, line {lines[0][0]},")
    if len(lines) == 1:
        raise SourceError(f"{file} lists no pictures: there is no line below the reference system")

    def add(gathering: Gathering, number: int, fields: list[str]) -> None:
        _add(gathering, system, number, fields)

    return gather(file, "line", "geo.txt", lines[1:], add, rules, on_progress, (IMAGES,))


def _fields_of(line: str) -> list[str]:
    """Return the fields of a line; blanks in the name of a picture do not separate."""
    name = _NAME.match(line)
    return line.split() if name is None else [name[1], *line[name.end() :].split()]


def _is_picture(fields: list[str]) -> bool:
    return len(fields) > 2 and None not in (parse_number(fields[1]), parse_number(fields[2]))


def _add(gathering: Gathering, system: ReferenceSystem, number: int, fields: list[str]) -> None:
    name, numbers = fields[0], [parse_number(field) for field in fields[1:9]]
    if len(numbers) < 2:
        gathering.skip(name, LeftOutCode.INVALID_ROW, f"line {number} is not: name, x, y")
        return
    numbers += [None] * (8 - len(numbers))
    position = _position(system, fields)
    remarks = system.remarks_on(position)
    geotag = Geotag(position=position, heading_deg=numbers[3], error_m=numbers[6], remarks=remarks)
    gathering.add(number, name, gathering.finder.find(name), geotag)


def _position(system: ReferenceSystem, fields: list[str]) -> LatLon | Unplaced:
    x, y = parse_number(fields[1]), parse_number(fields[2])
    if x is None or y is None:
        return Unplaced(PositionFault.INVALID_POSITION, f"{fields[1]!r}, {fields[2]!r} are not numbers")
    return system.position(x, y)
