"""A folder of pictures, with positions from ``@UTM@`` names, or from the pictures themselves."""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath

from index_builder.sources.geotag import Geotag
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing, skipped
from index_builder.sources.notes import Notes
from index_builder.sources.photo import as_place, photo_geotag
from index_builder.sources.pictures import FoundPictures, explore, printable
from index_builder.sources.rules import Rules
from index_builder.sources.utm_folder import is_utm_name, read_utm_picture
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut

# Threads hide the latency of disks and network shares; parsing itself does not run in parallel.
_THREADS = 8
_PICTURES_AT_A_TIME = 512

_Read = tuple[Place | LeftOut, Geotag]
_NOTHING = Geotag()


def read_folder(root: Path, rules: Rules | None = None, on_progress: OnProgress | None = None) -> SourceListing:
    """List the pictures of a folder and its subfolders with their positions.

    Each picture is taken by its own name: a folder may mix both kinds.

    Args:
        root: An existing folder.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of pictures read so far.

    Returns:
        The listing, of kind ``utm folder`` if at least one name is of that form. Ids are POSIX paths below the folder.
        A subfolder that cannot be listed is left out.

    Raises:
        SourceError: The folder cannot be listed, or holds no picture.
    """
    rules = rules or Rules()
    unreadable: list[LeftOut] = []

    def leave_out(folder: str, reason: str) -> None:
        why = Unplaced(LeftOutCode.UNREADABLE_FOLDER, f"the folder cannot be listed: {reason}")
        unreadable.append(skipped(printable(folder), why))

    inside = explore(root, rules.options.exclude, leave_out)
    notes = {folder: Notes(names) for folder, names in inside.notes.items()}
    found = list(_read_all(partial(_read_picture, root, notes, rules), inside.pictures, on_progress))
    is_utm = any(is_utm_name(PurePosixPath(picture).name) for picture in inside.pictures)
    return SourceListing(
        places=tuple(each for each, _ in found if isinstance(each, Place)),
        left_out=(*(each for each, _ in found if isinstance(each, LeftOut)), *unreadable),
        kind="utm folder" if is_utm else "exif folder",
        root=root,
        options=rules.options,
        remarks=Counter(remark for each, said in found if isinstance(each, Place) for remark in said.remarks),
        passed_over=inside.passed_over + _unused(inside, notes),
        panoramas={each.id: said.panorama for each, said in found if isinstance(each, Place) and said.panorama},
    )


def _read_all(read: partial[_Read], pictures: list[str], on_progress: OnProgress | None) -> Iterator[_Read]:
    done = 0
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="read-positions") as threads:
        for start in range(0, len(pictures), _PICTURES_AT_A_TIME):
            for each in threads.map(read, pictures[start : start + _PICTURES_AT_A_TIME]):
                done += 1
                if on_progress is not None:
                    on_progress(done)
                yield each


def _read_picture(root: Path, notes: Mapping[str, Notes], rules: Rules, relative: str) -> _Read:
    if printable(relative) != relative:
        # Ids go into Parquet and JSON, which are UTF-8.
        why = Unplaced(LeftOutCode.INVALID_NAME, "its name is not UTF-8: rename it")
        return skipped(printable(relative), why), _NOTHING
    if not _is_there(root / relative):
        missing = LeftOutCode.MISSING_FILE
        return LeftOut(relative, "rejected", missing, "it is a link to a file that is not there"), _NOTHING
    if is_utm_name(PurePosixPath(relative).name):
        return read_utm_picture(root, relative), _NOTHING
    geotag = photo_geotag(root, relative, notes.get(_folder_of(relative), _NO_NOTES), rules)
    if isinstance(geotag, LeftOut):
        return geotag, _NOTHING
    return as_place(root, relative, geotag), geotag


_NO_NOTES = Notes()


def _unused(inside: FoundPictures, notes: Mapping[str, Notes]) -> Counter[str]:
    """Count the notes that belong to no picture, by suffix."""
    used = {
        f"{folder}{note}"
        for picture in inside.pictures
        if (folder := _folder_of(picture)) in notes
        for note in notes[folder].of(picture[len(folder) :])
    }
    return Counter(
        PurePosixPath(name).suffix.lower()
        for folder, names in inside.notes.items()
        for name in names
        if f"{folder}{name}" not in used
    )


def _folder_of(relative: str) -> str:
    """Return the path of a picture's folder with ``/`` at its end; empty for the collection's own."""
    return relative[: relative.rfind("/") + 1]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return True  # the reader says why it cannot be read
    except OSError:
        return False  # a link through something other than a folder
