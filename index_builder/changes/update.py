"""``placefix update``: make a map follow its collection, where pictures were added, removed or changed."""

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.changes.collections import CollectionChange, prefixed, revising, revision_by, source_hint
from index_builder.changes.rows import StoredPicture, stored_pictures
from index_builder.digests import request_digest
from index_builder.new_version import make_version
from index_builder.picture_files import content_sum, source_base, source_path
from index_builder.segment_engine import SegmentEngine
from index_builder.sources.listing import LeftOutCode, SourceListing
from model.encoder import Encoder
from model.errors import InvalidInput
from model.places import Place
from model.progress import SILENT, Progress
from place_map.left_out import left_out_csv, read_left_out
from place_map.manifest import Manifest
from place_map.place_file import PlaceRecord
from place_map.reader import PlaceMap

DEFAULT_MAX_REMOVED = 0.2
_MOST_READERS = 8
_READ_AHEAD = 64  # pictures


def update_map(
    map_dir: Path,
    listing: SourceListing,
    encoder: Encoder,
    options: BuildOptions | None = None,
    progress: Progress = SILENT,
    *,
    source: int | None = None,
    max_removed: float = DEFAULT_MAX_REMOVED,
    restart: bool = False,
    engine: SegmentEngine | None = None,
) -> ChangeReport:
    """Make a new version of a map that holds the present pictures of one of its collections.

    Every file is read and compared by its SHA-256; only new and changed files are encoded. A picture that was renamed,
    or that has another position, keeps its features.

    Args:
        map_dir: The map.
        listing: The collection as it is now.
        encoder: The network and preprocessing that the map was made with.
        options: Batch size, segment size, the share of pictures that may be rejected.
        progress: The display of the progress, by pictures.
        source: The number of the collection among the map's sources; None finds it by its path.
        max_removed: Largest share of the map's pictures of this source that may be gone; it guards against a disk that
            is not mounted.
        restart: Whether to throw away the work of an interrupted run.
        engine: Encodes the pictures, as the encoder would; by default the encoder does.

    Raises:
        InvalidInput: The collection is not a source of the map, has an id that the map has from another source, or
            lacks more pictures than ``max_removed`` allows.
        NetworkMismatch: The map was made with another network, preprocessing or precision.
        MapError, SourceError: As in ``index_builder.new_version.make_version``.
    """
    options = options or BuildOptions()
    started_s = time.perf_counter()
    with revising(map_dir, encoder) as (staging, place_map):
        base = place_map.manifest
        listed = find_source(base, listing, map_dir) if source is None else checked_source(base, source, map_dir)
        places = prefixed(listing.places, base.sources[listed].prefix)
        found = find_differences(place_map, listed, places, listing.root, progress)
        if found.is_empty and _leaves_out_as_before(place_map, listed, listing):
            return ChangeReport.of(map_dir, base, started_s)
        _check_listed(listing, found)
        _check_removed(base, listed, found, max_removed)
        hint = source_hint(listing, base.sources[listed].prefix)
        sources = [hint if number == listed else known for number, known in enumerate(base.sources)]
        request_sha256 = request_digest("update", (hint,), listing)
        revision = revision_by(found, "update", request_sha256, place_map, listing, sources, listed, options)
        return make_version(staging, revision, encoder, options, progress, restart=restart, engine=engine)


def checked_source(base: Manifest, number: int, map_dir: Path) -> int:
    """Return the number of a source.

    Raises:
        InvalidInput: The map does not have the source.
    """
    if not 0 <= number < len(base.sources):
        raise InvalidInput(f"{map_dir} has {len(base.sources)} sources, counted from 0; none is {number}")
    return number


def find_source(base: Manifest, listing: SourceListing, map_dir: Path) -> int:
    """Return the number of a collection among the sources of a map.

    Raises:
        InvalidInput: The collection is none of the sources, or several.
    """
    path = str(listing.root.resolve())
    numbers = [number for number, known in enumerate(base.sources) if known.path == path]
    if len(numbers) == 1:
        return numbers[0]
    known = "; ".join(
        f"{number}: {source.path}" + (f" (ids with {source.prefix!r})" if source.prefix else "")
        for number, source in enumerate(base.sources)
    )
    what = "is several of the sources" if numbers else "is none of the sources"
    raise InvalidInput(
        f"{path} {what} of {map_dir} ({known}). If it was moved, say which it is: --source-number N; if it is new: "
        "placefix add"
    )


def _leaves_out_as_before(place_map: PlaceMap, listed: int, listing: SourceListing) -> bool:
    """Return whether a collection leaves out the same files as before."""
    before = read_left_out(place_map.path, place_map.version).get(listed, ())
    return left_out_csv({listed: before}) == left_out_csv({listed: listing.left_out})


def _check_listed(listing: SourceListing, found: CollectionChange) -> None:
    """Ensure that no picture counts as gone because its folder cannot be listed.

    Raises:
        InvalidInput: A picture of the map is in a folder that cannot be listed.
    """
    folders = [entry for entry in listing.left_out if entry.code == LeftOutCode.UNREADABLE_FOLDER]
    for entry in folders:
        hidden = [picture for picture in found.dead if picture.record.source_path.startswith(entry.path)]
        if hidden:
            raise InvalidInput(
                f"the folder {entry.path} in {listing.root} cannot be listed, and {len(hidden):,} pictures of the map "
                f"are in it: {entry.reason}. Make it readable. Nothing was changed"
            )


def _check_removed(base: Manifest, listed: int, found: CollectionChange, max_removed: float) -> None:
    known = sum(segment.live_rows for segment in base.segments if segment.source == listed)
    renamed = {copied.record.content_sha256 for copied in found.to_copy}
    lost = sorted(
        picture.record.id
        for picture in found.dead
        if picture.record.id in found.gone and picture.record.content_sha256 not in renamed
    )
    if lost and len(lost) / known > max_removed:
        raise InvalidInput(
            f"{len(lost):,} of {known:,} pictures are not in {base.sources[listed].path} any more, more than the "
            f"{max_removed:.4g} that --max-removed allows; the first is {lost[0]}. Is a disk not mounted? If they are "
            "to go, allow more. Nothing was changed"
        )


def find_differences(
    place_map: PlaceMap, listed: int, places: Sequence[Place], root: Path, progress: Progress
) -> CollectionChange:
    """Compare a collection with its pictures in a map.

    Args:
        place_map: The map.
        listed: The number of the collection among the map's sources.
        places: The pictures of the collection, with their ids in the map.
        root: The root of the collection.
        progress: The display of the progress, by pictures.

    Raises:
        InvalidInput: An id belongs to another source.
    """
    stored = list(stored_pictures(place_map))
    by_id = {picture.record.id: picture for picture in stored}
    by_content: dict[str, StoredPicture] = {}
    for picture in stored:
        by_content.setdefault(picture.record.content_sha256, picture)
    base = source_base(root)
    to_encode, to_copy, dead, replaced = [], [], [], set()
    progress.message(f"comparing {len(places):,} pictures with the map")
    progress.started(len(places), 0)
    for place, content_sha256 in _with_sums(places):
        progress.advanced(1)
        known = by_id.get(place.id)
        if known is not None and known.source != listed:
            raise InvalidInput(
                f"{place.id!r} is in the map already, from {place_map.manifest.sources[known.source].path}: give one "
                "of the two another id"
            )
        same = by_content.get(content_sha256) if content_sha256 is not None else None
        if known is not None and known.record.content_sha256 == content_sha256:
            same = known
        if same is None:
            to_encode.append(place)
        else:
            record = PlaceRecord(
                id=place.id,
                position=place.position,
                heading_deg=place.heading_deg,
                time=place.time,
                source_path=source_path(place.path, base),
                content_sha256=same.record.content_sha256,
                thumbnail=same.record.thumbnail,
            )
            if known is same and _says_the_same(record, known.record):
                continue
            to_copy.append(same.copied(record))
        if known is not None:
            dead.append(known)
            replaced.add(place.id)
    ids = {place.id for place in places}
    lost = [picture for picture in stored if picture.source == listed and picture.record.id not in ids]
    return CollectionChange(
        to_encode=tuple(to_encode),
        to_copy=tuple(to_copy),
        dead=(*dead, *lost),
        gone=frozenset(picture.record.id for picture in lost),
        replaced=frozenset(replaced),
    )


def _says_the_same(one: PlaceRecord, other: PlaceRecord) -> bool:
    """Return whether two rows of a table are equal; equal instants in different time zones are not."""
    offsets = [None if each.time is None else each.time.utcoffset() for each in (one, other)]
    return one == other and offsets[0] == offsets[1]


def _with_sums(places: Sequence[Place]) -> Iterator[tuple[Place, str | None]]:
    """Yield pictures with the sums of their files, which threads read a little ahead."""
    readers = ThreadPoolExecutor(min(_MOST_READERS, os.cpu_count() or 1), thread_name_prefix="compare")
    pending: deque[tuple[Place, Future[str | None]]] = deque()
    try:
        for place in places:
            pending.append((place, readers.submit(content_sum, place.path)))
            if len(pending) > _READ_AHEAD:
                place_read, reading = pending.popleft()
                yield place_read, reading.result()
        while pending:
            place_read, reading = pending.popleft()
            yield place_read, reading.result()
    finally:
        readers.shutdown(wait=True, cancel_futures=True)
