"""The entry: recognises what kind of collection a path is, and reads it."""

from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.csv_file import read_csv
from index_builder.sources.folder import read_folder
from index_builder.sources.json_listing import JSON_SUFFIXES, read_json
from index_builder.sources.listing import OnProgress, SourceListing
from index_builder.sources.msls import is_msls_folder, read_msls

CSV_SUFFIXES = frozenset({".csv", ".tsv"})
LIST_SUFFIXES = CSV_SUFFIXES | JSON_SUFFIXES
"""How the names of files that list pictures end, in any case."""


def read_source(
    path: Path,
    *,
    latitude_column: str | None = None,
    longitude_column: str | None = None,
    on_progress: OnProgress | None = None,
) -> SourceListing:
    """Reads where the pictures of a collection were taken; no picture is decoded.

    A folder is read picture by picture: by its name where that is of the form ``@UTM_east@UTM_north@…``, by EXIF
    otherwise. A folder of Mapillary Street-Level Sequences, ``<city>/database`` or ``<city>/query`` with its
    ``raw.csv``, is read as that. A file that ends in .csv or .tsv lists pictures, and so does one that ends in .json,
    .jsonl or .geojson: entities of the Mapillary API, descriptions of mapillary_tools, or GeoJSON, told by its content.

    Args:
        path: A folder, or a file that lists pictures.
        latitude_column: For a CSV file: its column of latitudes, if it is spelled in none of the accepted ways.
        longitude_column: Likewise.
        on_progress: Called with the number of pictures looked at so far.

    Returns:
        Pictures with and without positions; perhaps none with one.

    Raises:
        SourceError: There is nothing at that path, it is of no known kind, it cannot be read, or it holds no pictures.
    """
    if path.is_dir():
        if latitude_column is not None or longitude_column is not None:
            raise SourceError(f"{path} is a folder: columns can be named for a CSV file only")
        return read_msls(path, on_progress) if is_msls_folder(path) else read_folder(path, on_progress)
    if not path.exists():
        raise SourceError(f"{path} does not exist: expected a folder of pictures or a CSV, JSON or GeoJSON file")
    suffix = path.suffix.lower()
    if suffix in JSON_SUFFIXES:
        if latitude_column is not None or longitude_column is not None:
            raise SourceError(f"{path} is a JSON file: columns can be named for a CSV file only")
        return read_json(path, on_progress)
    if suffix not in CSV_SUFFIXES:
        raise SourceError(f"{path} is neither a folder of pictures nor a {', '.join(sorted(LIST_SUFFIXES))} file")
    return read_csv(path, latitude_column=latitude_column, longitude_column=longitude_column, on_progress=on_progress)
