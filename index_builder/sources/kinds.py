"""The kinds of collections that are recognised, in the order of the checks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from index_builder.sources.csv_file import read_csv
from index_builder.sources.exiftool_json import is_exiftool_json, read_exiftool_json
from index_builder.sources.folder import read_folder
from index_builder.sources.geo_txt import read_geo_txt
from index_builder.sources.geojson import is_geojson, read_geojson
from index_builder.sources.json_file import JSON_SUFFIXES, JsonContent, read_json_content
from index_builder.sources.listing import OnProgress, SourceListing
from index_builder.sources.mapillary_api import is_mapillary_api, read_mapillary_api
from index_builder.sources.mapillary_description import is_mapillary_description, read_mapillary_description
from index_builder.sources.msls import is_msls_city, is_msls_folder, read_msls, read_msls_city
from index_builder.sources.rules import Rules
from index_builder.sources.stac import is_stac, read_stac

CSV_SUFFIXES = frozenset({".csv", ".tsv"})
TEXT_SUFFIXES = frozenset({".txt"})
LIST_SUFFIXES = CSV_SUFFIXES | JSON_SUFFIXES | TEXT_SUFFIXES
"""Suffixes of files that list pictures, compared without case."""


@dataclass
class Candidate:
    """Hold a path of unknown kind; a file of JSON is read once.

    Attributes:
        path: A folder or a file.
        is_folder: Whether it is a folder.
        suffix: The suffix of a file, in small letters.
    """

    path: Path
    is_folder: bool = field(init=False)
    suffix: str = field(init=False)

    def __post_init__(self) -> None:
        """Inspect the path."""
        self.is_folder = self.path.is_dir()
        self.suffix = "" if self.is_folder else self.path.suffix.lower()

    @cached_property
    def json(self) -> JsonContent:
        """Return the content of the file of JSON.

        Raises:
            SourceError: The file cannot be read.
        """
        return read_json_content(self.path)


@dataclass(frozen=True)
class Kind:
    """Describe a kind of collection.

    Attributes:
        told: Its description for people.
        is_one: The function that returns whether a path is of this kind.
        read: The function that lists its pictures.
        is_table: Whether it has columns, whose names may be given as options.
    """

    told: str
    is_one: Callable[[Candidate], bool]
    read: Callable[[Candidate, Rules, OnProgress | None], SourceListing]
    is_table: bool = False


FOLDERS: tuple[Kind, ...] = (
    Kind(
        "one side of a city of MSLS, with its raw.csv",
        lambda each: is_msls_folder(each.path),
        lambda each, rules, told: read_msls(each.path, rules, told),
    ),
    Kind(
        "a city of MSLS, with its database and query",
        lambda each: is_msls_city(each.path),
        lambda each, rules, told: read_msls_city(each.path, rules, told),
    ),
    Kind("a folder of photos", lambda _: True, lambda each, rules, told: read_folder(each.path, rules, told)),
)
TABLES: tuple[Kind, ...] = (
    Kind(
        "a CSV file with the columns path, latitude and longitude, or one that exiftool wrote",
        lambda each: each.suffix in CSV_SUFFIXES,
        lambda each, rules, told: read_csv(each.path, rules, told),
        is_table=True,
    ),
    Kind(
        "the geo.txt of OpenDroneMap",
        lambda each: each.suffix in TEXT_SUFFIXES,
        lambda each, rules, told: read_geo_txt(each.path, rules, told),
    ),
)
JSON_KINDS: tuple[Kind, ...] = (
    Kind(
        "items of STAC and Panoramax (features with assets), or a collection that links to them",
        lambda each: is_stac(each.json),
        lambda each, rules, told: read_stac(each.path, each.json, rules, told),
    ),
    Kind(
        "GeoJSON (a FeatureCollection, a Feature, or one in each line)",
        lambda each: is_geojson(each.json),
        lambda each, rules, told: read_geojson(each.path, each.json, rules, told),
    ),
    Kind(
        "the output of exiftool -json (objects with SourceFile)",
        lambda each: is_exiftool_json(each.json),
        lambda each, rules, told: read_exiftool_json(each.path, each.json, rules, told),
        is_table=True,
    ),
    Kind(
        "the mapillary_image_description.json of mapillary_tools (objects with filename, MAPLatitude and MAPLongitude)",
        lambda each: is_mapillary_description(each.json.entries or ()),
        lambda each, rules, told: read_mapillary_description(
            each.path, each.json.entries or (), each.json.unit, rules, told
        ),
    ),
    Kind(
        "answers of the Mapillary API (entities with id, and geometry or computed_geometry)",
        lambda each: is_mapillary_api(each.json.entries or ()),
        lambda each, rules, told: read_mapillary_api(each.path, each.json.entries or (), each.json.unit, rules, told),
    ),
)
