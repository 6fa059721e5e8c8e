"""The likely reasons why no picture of a collection can be placed, and the remedies."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from index_builder.sources.listing import LeftOutCode, SourceListing

MOST_REASONS = 3

_LISTS = (".csv", ".tsv", ".json", ".jsonl", ".geojson", ".txt", ".xlsx", ".ods", ".kml", ".kmz", ".shp", ".gpkg")
_REMEDIES: Mapping[str, str] = {
    LeftOutCode.NULL_ISLAND: "the positions are 0, 0, as receivers without a fix write them",
    LeftOutCode.INVALID_POSITION: "the positions are none: are columns swapped, or of another reference system?",
    LeftOutCode.NO_HEMISPHERE: "the photos do not say north or south, east or west: say it with --assume-hemisphere NE",
    LeftOutCode.NO_ZONE: "the names have no UTM zone: add zone and letter, or latitude and longitude",
    LeftOutCode.CONTRADICTORY_POSITION: "each picture has two positions that lie far apart",
    LeftOutCode.ESTIMATED: "the positions are estimates of Placefix itself: placefix geotag --remove takes them away",
    LeftOutCode.VOID_FIX: "the receiver had lost the satellites: a GPX track of the walk may help (--gpx)",
    LeftOutCode.INACCURATE_POSITION: "the stated errors are larger than --max-gps-error-m: allow more",
    LeftOutCode.INVALID_ROW: "the entries of the list do not name pictures",
    LeftOutCode.PANORAMA: "the pictures are panoramas: --panoramas views cuts them into level views",
    LeftOutCode.LISTED_ERROR: "the program that made the list could not process the pictures",
    LeftOutCode.MISSING_FILE: "the pictures do not lie where the list says: say with --root where they are",
    LeftOutCode.UNREADABLE_FOLDER: "folders cannot be listed: make them readable",
    LeftOutCode.INVALID_NAME: "the names are not UTF-8: rename the files",
    "corrupt_exif": "the EXIF blocks are broken: export the photos again",
}


def likely_reasons(listings: Iterable[SourceListing]) -> tuple[str, ...]:
    """Return the likeliest reasons why no picture has a position, each with a remedy; three at most."""
    listings = tuple(listings)
    counted = Counter(entry.code for listing in listings for entry in listing.left_out)
    found = sum(len(listing) for listing in listings)
    sentences: list[str] = []
    for code, number in counted.most_common():
        told = "" if number == found else f" ({number:,} of {found:,} pictures)"
        if code == LeftOutCode.NO_POSITION:
            sentences += [f"{reason}{told}" for reason in _without_position(listings)]
        else:
            example = next(entry for listing in listings for entry in listing.left_out if entry.code == code)
            sentences.append(f"{_REMEDIES.get(code, example.reason)}{told}")
    return tuple(sentences[:MOST_REASONS])


def _without_position(listings: tuple[SourceListing, ...]) -> Iterator[str]:
    beside = Counter[str]()
    for listing in listings:
        beside.update(listing.passed_over)
    if beside[".gpx"] and not any(listing.options.gpx for listing in listings):
        yield "the positions are in a track that lies there: name it with --gpx"
    if lists := [suffix for suffix in _LISTS if beside[suffix]]:
        yield f"the positions are in a list that lies there ({', '.join(lists)}): give that as --source"
    yield (
        "cameras write positions into photos (EXIF) only where location is switched on, and many messengers take them "
        "out: take the originals"
    )
    yield (
        "another program keeps the positions to itself: list them in a CSV file with the columns path, latitude and "
        "longitude, and give that as --source"
    )
