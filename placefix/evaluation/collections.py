"""The two sides of a dataset, read from the disk."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.frames import read_frames
from index_builder.sources.kinds import CSV_SUFFIXES
from index_builder.sources.listing import SourceListing
from index_builder.sources.plane import PointM, in_plane
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from index_builder.sources.unlabelled import is_path_list, read_path_list, without_positions
from model.images import DEFAULT_LIMITS, ImageLimits, check_header
from model.picture_errors import ImageError
from model.places import Place

_THREADS = 8
_NOTHING = (False, False)  # neither a position nor a point


@dataclass(frozen=True)
class Collection:
    """Hold one side of a dataset: its database, or its queries.

    Attributes:
        listing: The pictures; several folders are joined.
        frames: Picture id → frame number, if the pictures correspond by frame.
        points_m: Picture id → easting and northing, if the pictures are points of a plane.
        has_positions: Whether the positions of the pictures are known.
    """

    listing: SourceListing
    frames: Mapping[str, int]
    points_m: Mapping[str, PointM]
    has_positions: bool

    @property
    def places(self) -> tuple[Place, ...]:
        """Return the pictures that take part."""
        return self.listing.places


def read_collection(
    paths: Sequence[Path],
    reading: ReadOptions | None = None,
    *,
    by_frame: bool = False,
    may_be_unlabelled: bool = False,
) -> Collection:
    """Read folders and lists of pictures; no picture is opened.

    Args:
        paths: At least one path; several for a dataset of several cities.
        reading: The options of reading.
        by_frame: Whether they are CSV files with frame numbers.
        may_be_unlabelled: Whether all pictures take part if none has a position; otherwise that is an error.

    Raises:
        SourceError: A path cannot be read, holds no usable picture, or lists a picture that does not exist; or two
            have a picture of the same id, or one has positions on the Earth and another has none.
    """
    reading = reading or ReadOptions()
    read = [
        _read_frames(path, reading) if by_frame else _read(path, reading, may_be_unlabelled=may_be_unlabelled)
        for path in paths
    ]
    for each in read:
        _check_usable(each.listing)
    if not by_frame:
        _check_alike(paths, read)
    return Collection(
        listing=_joined([each.listing for each in read]),
        frames={name: frame for each in read for name, frame in each.frames.items()},
        points_m={name: point_m for each in read for name, point_m in each.points_m.items()},
        has_positions=all(each.has_positions for each in read),
    )


def check_pictures(places: Sequence[Place], limits: ImageLimits = DEFAULT_LIMITS, *, whole: bool = False) -> None:
    """Check the header of every picture, before hours of work.

    Args:
        places: The pictures.
        limits: The limits on pictures.
        whole: Whether large JPEGs are decoded whole.

    Raises:
        SourceError: Some pictures cannot be read.
    """
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="check") as threads:
        problems = [
            message for message in threads.map(partial(_problem_of, limits, whole), places) if message is not None
        ]
    if problems:
        more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise SourceError(f"{problems[0]}{more}. An evaluation without them would measure another dataset")


def _read_frames(path: Path, reading: ReadOptions) -> Collection:
    if path.suffix.lower() not in CSV_SUFFIXES:
        raise SourceError(f"{path} is not a CSV file: frame numbers are read from one with columns path and frame")
    by_frame = ReadOptions(
        path_column=reading.path_column,
        latitude_column=reading.latitude_column,
        longitude_column=reading.longitude_column,
        root=reading.root,
        side=reading.side,
    )
    if by_frame != reading:
        raise SourceError(
            f"{path} is read by its frame numbers, and then only names of columns and --root have an effect: leave "
            "the other options of reading out"
        )
    found = read_frames(path, reading)
    return Collection(found.listing, found.frames, {}, found.has_positions)


def _read(path: Path, reading: ReadOptions, *, may_be_unlabelled: bool) -> Collection:
    has_named_columns = bool(reading.for_tables)
    is_csv = path.suffix.lower() in CSV_SUFFIXES and path.is_file()
    if may_be_unlabelled and is_csv and not has_named_columns and is_path_list(path):
        return Collection(read_path_list(path, reading), {}, {}, has_positions=False)
    listing = read_source(path, reading)
    plane = in_plane(listing)
    if plane is not None:
        return Collection(plane.listing, {}, plane.points_m, has_positions=False)
    unlabelled = without_positions(listing) if may_be_unlabelled else None
    return Collection(listing if unlabelled is None else unlabelled, {}, {}, has_positions=unlabelled is None)


def _check_alike(paths: Sequence[Path], read: Sequence[Collection]) -> None:
    """Ensure that all have positions on the Earth, or all have points of a plane, or all have neither."""
    told = {(each.has_positions, bool(each.points_m)): path for path, each in zip(paths, read, strict=True)}
    if len(told) == 1:
        return
    (*_, most), (least, *_) = sorted(told), sorted(told)
    without = "" if least == _NOTHING else ", or only by easting and northing without a UTM zone"
    raise SourceError(
        f"{told[most]} says where its pictures were taken, and {told[least]} does not{without}: recall needs all of "
        "the positions; ask the two separately"
    )


def _problem_of(limits: ImageLimits, whole: bool, place: Place) -> str | None:
    try:
        check_header(place.path, limits, whole=whole)
    except ImageError as error:
        return error.message
    return None


def _check_usable(listing: SourceListing) -> None:
    rejected = [left for left in listing.left_out if left.outcome == "rejected"]
    if rejected:
        more = f"; and {len(rejected) - 1} more" if len(rejected) > 1 else ""
        raise SourceError(f"{listing.root}: {rejected[0].path}: {rejected[0].reason}{more}")
    if not listing.places:
        raise SourceError(
            f"{listing.root} has {len(listing.left_out)} pictures, and none with a position; the first: "
            f"{listing.left_out[0].reason}"
        )


def _joined(listings: Sequence[SourceListing]) -> SourceListing:
    if len(listings) == 1:
        return listings[0]
    roots: dict[str, Path] = {}
    for listing in listings:
        for place in listing.places:
            if place.id in roots:
                raise SourceError(
                    f"{roots[place.id]} and {listing.root} both have a picture {place.id}: put them below one folder, "
                    "and give that"
                )
            roots[place.id] = listing.root
    return SourceListing(
        places=tuple(place for listing in listings for place in listing.places),
        left_out=tuple(left for listing in listings for left in listing.left_out),
        kind=listings[0].kind,
        passed_over=sum((Counter(listing.passed_over) for listing in listings), Counter[str]()),
        root=Path(os.path.commonpath([listing.root.absolute() for listing in listings])),
    )
