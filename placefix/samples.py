"""The samples of ``placefix serve``: a folder of pictures, with or without a list of them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.csv_columns import SPELLINGS, find_column
from index_builder.sources.csv_rows import read_rows
from index_builder.sources.kinds import CSV_SUFFIXES
from index_builder.sources.listing import LeftOutCode, SourceListing
from index_builder.sources.picture_paths import Missing, PictureFinder, path_below
from index_builder.sources.read import read_source
from model.image_formats import HEADER_SIZE_BYTES, recognise_format
from model.images import ImageLimits, check_header
from model.picture_errors import ImageError
from model.places import Place
from place_map.left_out import LeftOut
from service.errors import InvalidSamples
from service.samples import Sample

LIST_NAME = "queries.csv"
MAX_SAMPLES = 500  # the page shows them all

_CONDITION_SPELLINGS = ("condition", "conditions", "weather", "light")
_MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "AVIF": "image/avif"}


def read_samples(folder: Path, limits: ImageLimits) -> tuple[Sample, ...]:
    """List the samples of a folder, and check the header of each.

    If the folder has a ``queries.csv`` (``path,latitude,longitude[,heading][,time][,condition]``), the samples are the
    pictures in this list, in its order; otherwise all pictures in the folder, by name, with the positions of their EXIF
    blocks. A picture without a position is a sample, too.

    Args:
        folder: The folder of the pictures.
        limits: The limits of the service on queries.

    Raises:
        InvalidSamples: The folder or its list cannot be used, or a picture does not exist, lies outside the folder,
            cannot be read, or would be refused as a query.
    """
    if not folder.is_dir():
        raise InvalidSamples(
            f"the folder of samples {folder} does not exist, or is not a folder; name one with --samples"
        )
    try:
        samples = tuple(_read(folder, limits))
    except (SourceError, ImageError) as error:
        raise InvalidSamples(f"the samples in {folder} cannot be used: {error.message}") from error
    if len(samples) > MAX_SAMPLES:
        raise InvalidSamples(
            f"{folder} has {len(samples)} samples, and at most {MAX_SAMPLES} are served: name fewer in its {LIST_NAME}"
        )
    return samples


def _read(folder: Path, limits: ImageLimits) -> Iterator[Sample]:
    file = folder / LIST_NAME
    has_list = file.is_file()
    listing = read_source(file if has_list else folder)
    conditions = read_conditions(file) if has_list else {}
    finder = PictureFinder(folder)
    unplaced = [_unplaced(finder, left, listing) for left in listing.left_out]
    places: Iterable[Place | Path] = [*listing.places, *unplaced]
    if not has_list:
        places = sorted(places, key=lambda each: str(each.path if isinstance(each, Place) else each))
    for place in places:
        path = place.path if isinstance(place, Place) else place
        below = path_below(folder, path)
        if Path(below).is_absolute() or below.startswith("../"):
            raise SourceError(f"{path} lies outside the folder: put the picture into it, and its new path into {file}")
        check_header(path, limits)
        sample_id = place.id if isinstance(place, Place) else below
        media_type, condition = _media_type(path), conditions.get(path)
        if isinstance(place, Place):
            yield Sample(sample_id, path, media_type, place.position, place.heading_deg, condition)
        else:
            yield Sample(sample_id, path, media_type, condition=condition)


def _unplaced(finder: PictureFinder, left: LeftOut, listing: SourceListing) -> Path:
    """Return a picture that only lacks a position; in a list of pictures, a wrong position is an error."""
    is_usable = left.code == LeftOutCode.NO_POSITION if listing.kind == "csv" else left.outcome == "skipped"
    if not is_usable or left.code in (LeftOutCode.INVALID_NAME, LeftOutCode.UNREADABLE_FOLDER):
        raise SourceError(f"{listing.root}: {left.path}: {left.reason}")
    path = finder.find(left.path)
    if isinstance(path, Missing):
        raise SourceError(f"{listing.root}: {left.path}: {path}")
    return path


def read_conditions(file: Path) -> dict[Path, str]:
    """Return the condition of each picture in a list; empty if the list has no column of conditions.

    Raises:
        SourceError: The list cannot be read.
    """
    header, rows = read_rows(file)
    condition = find_column(header, file, _CONDITION_SPELLINGS)
    path = find_column(header, file, SPELLINGS["path"])
    if condition is None or path is None:
        return {}
    finder = PictureFinder(file.parent)
    found = {
        row[path].strip(): row[condition].strip()
        for _, row in rows
        if len(row) > max(path, condition) and row[condition].strip()
    }
    pictures = ((finder.find(name), condition_name) for name, condition_name in found.items())
    return {picture: condition_name for picture, condition_name in pictures if isinstance(picture, Path)}


def read_all_conditions(files: Iterable[Path]) -> dict[Path, str]:
    """Return the condition of each picture in several lists; folders have no conditions.

    Raises:
        SourceError: A list cannot be read.
    """
    lists = (file for file in files if file.suffix.lower() in CSV_SUFFIXES and file.is_file())
    return {path: condition for file in lists for path, condition in read_conditions(file).items()}


def _media_type(path: Path) -> str:
    with path.open("rb") as file:
        image_format = recognise_format(file.read(HEADER_SIZE_BYTES))
    if image_format not in _MEDIA_TYPES:
        raise SourceError(f"{path} is a {image_format} picture, which browsers do not show: save it as JPEG")
    return _MEDIA_TYPES[image_format]
