"""A folder of pictures: positions from ``@UTM@`` names where there are any, from EXIF otherwise."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath

from index_builder.sources.exif_folder import read_exif_picture
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing, skipped
from index_builder.sources.pictures import find_pictures, printable
from index_builder.sources.utm_folder import is_utm_name, read_utm_picture
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut

# Threads hide the latency of disks and network shares; parsing itself does not run in parallel.
_THREADS = 8
_PICTURES_AT_A_TIME = 512


def read_folder(root: Path, on_progress: OnProgress | None = None) -> SourceListing:
    """Lists the pictures of a folder and its subfolders with their positions.

    Each picture is taken by its own name: a folder may mix both kinds.

    Args:
        root: An existing folder.
        on_progress: Called with the number of pictures looked at so far.

    Returns:
        Of kind ``utm folder`` if at least one name is of that form. Ids are POSIX paths below the folder. A subfolder
        that cannot be listed is left out.

    Raises:
        SourceError: The folder cannot be listed, or holds no picture.
    """
    unreadable: list[LeftOut] = []

    def leave_out(folder: str, reason: str) -> None:
        why = Unplaced(LeftOutCode.UNREADABLE_FOLDER, f"the folder cannot be listed: {reason}")
        unreadable.append(skipped(printable(folder), why))

    pictures = find_pictures(root, leave_out)
    found = list(_read_all(root, pictures, on_progress))
    return SourceListing(
        places=tuple(each for each in found if isinstance(each, Place)),
        left_out=(*(each for each in found if isinstance(each, LeftOut)), *unreadable),
        kind="utm folder" if any(is_utm_name(PurePosixPath(picture).name) for picture in pictures) else "exif folder",
        root=root,
    )


def _read_all(root: Path, pictures: tuple[str, ...], on_progress: OnProgress | None) -> Iterator[Place | LeftOut]:
    done = 0
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="read-positions") as threads:
        for start in range(0, len(pictures), _PICTURES_AT_A_TIME):
            batch = pictures[start : start + _PICTURES_AT_A_TIME]
            for each in threads.map(partial(_read_picture, root), batch):
                done += 1
                if on_progress is not None:
                    on_progress(done)
                yield each


def _read_picture(root: Path, relative: str) -> Place | LeftOut:
    if printable(relative) != relative:
        # Ids go into Parquet and JSON, which are UTF-8.
        return skipped(printable(relative), Unplaced(LeftOutCode.INVALID_NAME, "its name is not UTF-8: rename it"))
    if not _is_there(root / relative):
        return LeftOut(relative, "rejected", LeftOutCode.MISSING_FILE, "it is a link to a file that is not there")
    if is_utm_name(PurePosixPath(relative).name):
        return read_utm_picture(root, relative)
    return read_exif_picture(root, relative)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return True  # the reader says why it cannot be read
    except OSError:
        return False  # a link through what is no folder
