"""Google Takeout: the metadata of Google Photos, in a JSON file beside each photo.

The file of ``IMG.jpg`` is called ``IMG.jpg.json`` or ``IMG.jpg.supplemental-metadata.json``, cut to 46 characters
before ``.json``, or ``IMG.json`` if the photo was uploaded without a suffix. The file of ``IMG(1).jpg`` is called
``IMG.jpg(1).json``, and an edited copy ``IMG-edited.jpg`` shares the file of ``IMG.jpg``. Capitals and composed letters
may differ, because archives are unpacked on other computers.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from unicodedata import normalize

from index_builder.sources.geotag import Geotag, Remark
from index_builder.sources.json_file import number_in, text_in
from index_builder.sources.picture_paths import plain_name
from index_builder.sources.times import parse_time
from model.geo import LatLon
from model.positions import PositionFault, Unplaced, checked_position

_LONG_ENDING = ".supplemental-metadata"
_MOST_CHARACTERS = 46
_COUNTER = re.compile(r"(.*)(\(\d+\))")
_EDITED = re.compile(r"(.+?)-[^\W\d_]+(?: [^\W\d_]+)?(\(\d+\))?")  # "edited", in the language of the account
_POSITIONS = ("geoData", "geoDataExif")
_TELLING = frozenset({*_POSITIONS, "photoTakenTime"})


class TakeoutNames:
    """Find the JSON file of a picture among the names of a folder."""

    def __init__(self, names: Iterable[str]) -> None:
        """Sort the names; no file is read."""
        self._by_stem: dict[tuple[str, str], str] = {}
        for name in names:
            stem, counter = _without_counter(name[: -len(".json")])
            self._by_stem[stem, counter] = name
            self._by_stem.setdefault((plain_name(stem), counter), name)

    def of(self, picture: str) -> str | None:
        """Return the file of a picture, or of the original of an edited copy; None if there is none."""
        if not self._by_stem:
            return None
        picture = normalize("NFC", picture)
        path = PurePosixPath(picture)
        stem, counter = _without_counter(path.stem)
        own = self._find(f"{stem}{path.suffix}", counter) or self._find(picture, "")
        if own is not None:
            return own
        edited = _EDITED.fullmatch(path.stem)
        of_original = self._find(f"{edited[1]}{path.suffix}", edited[2] or "") if edited else None
        return of_original or self._find_exactly(stem, counter)

    def _find(self, picture: str, counter: str) -> str | None:
        found = (self._find_exactly(stem, counter) for stem in _possible_stems(picture))
        return next((name for name in found if name is not None), None)

    def _find_exactly(self, stem: str, counter: str) -> str | None:
        return self._by_stem.get((stem, counter)) or self._by_stem.get((plain_name(stem), counter))


def takeout_geotag(content: bytes) -> Geotag:
    """Return the geotag of a file: the position that Google shows, else the camera's; the time in UTC.

    A position of zeros is ignored, because Google writes it if it knows none. A file of another program gives an empty
    geotag, and a file that cannot be parsed gives a remark.
    """
    try:
        said = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return Geotag(remarks=frozenset({Remark.UNREADABLE_NOTE}))
    if not isinstance(said, dict) or _TELLING.isdisjoint(said):
        return Geotag()
    position = next((found for name in _POSITIONS if (found := _position(said.get(name))) is not None), None)
    taken = said.get("photoTakenTime")
    stamp = taken.get("timestamp") if isinstance(taken, dict) else None
    return Geotag(
        position=position or Unplaced(PositionFault.NO_POSITION, "Google Takeout knows no position"),
        time=parse_time(text_in(stamp) or str(stamp)),
    )


def _position(said: object) -> LatLon | None:
    if not isinstance(said, dict):
        return None
    latitude, longitude = number_in(said.get("latitude")), number_in(said.get("longitude"))
    if latitude is None or longitude is None:
        return None
    position = checked_position(latitude, longitude)
    return position if isinstance(position, LatLon) else None


def _without_counter(stem: str) -> tuple[str, str]:
    found = _COUNTER.fullmatch(stem)
    return (found[1], found[2]) if found else (stem, "")


def _possible_stems(picture: str) -> Iterator[str]:
    """Yield possible names before ``.json``: the plain name, then the others, the longest first."""
    yield picture
    whole = picture + _LONG_ENDING
    for length in range(min(len(whole), _MOST_CHARACTERS), min(len(picture), _MOST_CHARACTERS - 1) - 1, -1):
        yield whole[:length]
