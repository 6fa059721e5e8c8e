"""The check that every picture of a training can be decoded, before long work begins.

A header does not describe the pixels behind it: a JPEG that was truncated in a copy would end a run after hours.
Therefore every picture is decoded once. The folder of the run lists the files that passed, so a resumed run decodes
only new or changed ones.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from model.decoding_threads import decoding_threads
from model.durable import written_whole
from model.errors import StorageError
from model.images import DEFAULT_LIMITS, ImageLimits, open_image
from model.picture_errors import ImageError
from model.training.data import TrainingSet
from model.training.errors import UnsuitableTrainingData

CHECKED_PICTURES = "checked_pictures.json"

_FORMAT = 1
_NAMED = 5  # number of faulty pictures in a message

OnChecked = Callable[[int, int], None]
"""A function of the numbers of checked and of all pictures; the calling thread calls it at the start and after each."""


@dataclass(frozen=True)
class FileState:
    """Hold the state of a file; a changed file must be decoded again.

    Attributes:
        size_bytes: The length of the file.
        mtime_ns: The time of the last change, in nanoseconds since 1970.
    """

    size_bytes: int
    mtime_ns: int


def check_pictures(
    sets: Iterable[TrainingSet],
    folder: Path,
    *,
    decoders: int,
    on_checked: OnChecked,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> None:
    """Decode every picture that has not passed before.

    Args:
        sets: The sets of training and validation; a picture in both is decoded once.
        folder: The folder of the run, which is made if it is missing.
        decoders: The number of threads.
        on_checked: A function for progress; pictures that passed before count as checked.
        limits: The limits on the size of a picture; with other limits every picture is checked anew.

    Raises:
        UnsuitableTrainingData: Pictures cannot be read; the message has their number and the errors of the first. The
            readable ones are stored nevertheless.
        StorageError: The list of readable pictures cannot be written.
    """
    paths = list(dict.fromkeys(place.path for each in sets for place in chain(each.database, each.queries)))
    # The state is taken before decoding: a file that changes meanwhile is decoded again the next time.
    states = {path: _state_of(path) for path in paths}
    remembered = read_checked(folder, limits)
    open_question = [path for path in paths if states[path] is None or remembered.get(path) != states[path]]
    done = len(paths) - len(open_question)
    on_checked(done, len(paths))
    problems: dict[Path, str] = {}
    with decoding_threads(decoders) as threads:
        for path, problem in zip(open_question, threads.map(partial(_problem_of, limits), open_question), strict=True):
            if problem is not None:
                problems[path] = problem
            done += 1
            on_checked(done, len(paths))
    passed = {path: state for path, state in states.items() if state is not None and path not in problems}
    if passed != remembered:
        _remember(folder, passed, limits)
    if problems:
        named = "; ".join(list(problems.values())[:_NAMED])
        raise UnsuitableTrainingData(
            f"{len(problems):,} of {len(paths):,} pictures cannot be read: {named}"
            f"{'; …' if len(problems) > _NAMED else ''}. Repair them, or take them out of the data set"
        )


def read_checked(folder: Path, limits: ImageLimits = DEFAULT_LIMITS) -> dict[Path, FileState]:
    """Return the pictures that passed, from the folder of a run.

    If the list is missing, damaged, or has another format or other limits, it is ignored and all are decoded again.
    """
    with suppress(OSError, ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError):
        document = json.loads((folder / CHECKED_PICTURES).read_bytes())
        if document["format"] == _FORMAT and document["limits"] == asdict(limits):
            return {
                Path(name): FileState(int(size_bytes), int(mtime_ns))
                for name, (size_bytes, mtime_ns) in document["pictures"].items()
            }
    return {}


def _remember(folder: Path, passed: Mapping[Path, FileState], limits: ImageLimits) -> None:
    document = {
        "format": _FORMAT,
        "limits": asdict(limits),
        "pictures": {str(path): [state.size_bytes, state.mtime_ns] for path, state in passed.items()},
    }
    try:
        with written_whole(folder / CHECKED_PICTURES) as unfinished:
            # Names that are not valid text come from the file system as lone surrogates, which ASCII escapes can hold.
            unfinished.write_text(json.dumps(document, indent=0), "ascii")
    except OSError as error:
        raise StorageError(
            f"which pictures can be read cannot be written to {folder}: {os.strerror(error.errno or 0)}. Make room, or "
            "name another folder as run.folder"
        ) from error


def _state_of(path: Path) -> FileState | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return FileState(status.st_size, status.st_mtime_ns)


def _problem_of(limits: ImageLimits, path: Path) -> str | None:
    try:
        open_image(path, limits)
    except ImageError as error:
        return error.message
    return None
