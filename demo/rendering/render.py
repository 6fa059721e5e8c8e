"""Renders a split of the town into a folder: pictures, and two tables that say where each was taken."""

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from io import BytesIO
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

from PIL import Image

from demo.rendering.renderer import Renderer
from demo.rendering.shots import Shot, shots_of
from demo.rendering.splits import SEED, SPLITS, Split
from model.errors import InvalidInput
from model.progress import Progress

JPEG_QUALITY = 88
STAMP = "rendered.txt"
COLUMNS = ("path", "latitude", "longitude", "heading", "time", "condition", "street", "along_m", "place")

_CHUNK = 64  # pictures that a worker takes at once, of one street
_WITHOUT_LOOK = {"render.py", "contact_sheet.py", "__init__.py"}  # modules that no picture depends on


class ShowProgress(Protocol):
    """Opens something that shows progress, as ``placefix.progress.show_progress`` does."""

    def __call__(self, what: str, /) -> AbstractContextManager[Progress]: ...


def split_named(name: str) -> Split:
    """A split of the town.

    Raises:
        InvalidInput: There is none of that name.
    """
    if name not in SPLITS:
        raise InvalidInput(f"the town has no split {name!r}; there are: {', '.join(SPLITS)}")
    return SPLITS[name]


def render_split(
    name: str, out: Path, show_progress: ShowProgress, first_streets: int | None = None, workers: int = 1
) -> int:
    """Renders what is not there yet, then writes the tables.

    Args:
        name: Of the split.
        out: The folder in which the split's own folder is made.
        show_progress: What opens the display of progress.
        first_streets: Only so many of the split's streets.
        workers: Processes that render.

    Returns:
        How many pictures were rendered.

    Raises:
        InvalidInput: No such split, a folder of something else, or no OpenGL.
    """
    split_named(name)
    if workers < 1 or (first_streets is not None and first_streets < 1):
        raise InvalidInput("the numbers of workers and of streets are at least 1")
    folder = out / name
    _claim(folder, name)
    database, queries = shots_of(name, first_streets)
    shots = (*database, *queries)
    missing = [shot for shot in shots if not (folder / shot.path).exists()]
    with show_progress("rendering") as progress:
        progress.started(len(shots), len(shots) - len(missing))
        for count in _render_all(missing, folder, workers):
            progress.advanced(count)
    _write_table(folder / "database.csv", database)
    _write_table(folder / "queries.csv", queries)
    return len(missing)


def digest_of(name: str) -> str:
    """Of all that the pictures of a split depend on, but for the driver: seed, code, and the split."""
    digest = hashlib.sha256(f"{SEED} {SPLITS[name]} {JPEG_QUALITY}".encode())
    here = Path(__file__).parent
    for path in sorted([*here.glob("*.py"), *here.glob("shaders/*.glsl")]):
        if path.name not in _WITHOUT_LOOK:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _claim(folder: Path, name: str) -> None:
    """Marks a folder as that of a split, or finds it marked so."""
    stamp, digest = folder / STAMP, digest_of(name)
    for side in ("database", "queries"):
        (folder / side).mkdir(parents=True, exist_ok=True)
    if stamp.exists():
        if stamp.read_text(encoding="utf-8").strip() != digest:
            raise InvalidInput(
                f"{folder} holds pictures of another town: the code, the seed or the split has changed. "
                "Delete it, or choose another folder"
            )
    elif any(folder.glob("*/*.jpg")):
        raise InvalidInput(f"{folder} holds pictures, but no {STAMP}: choose another folder")
    else:
        stamp.write_text(digest + "\n", encoding="utf-8")


def _render_all(shots: list[Shot], folder: Path, workers: int) -> Iterator[int]:
    """Yields how many pictures were finished, now and then."""
    chunks = list(_chunks(shots))
    if not chunks:
        return
    if workers == 1:
        renderer = Renderer()
        try:
            for chunk in chunks:
                for shot in chunk:
                    _render_one(renderer, shot, folder)
                    yield 1
        finally:
            renderer.close()
        return
    os.environ["LP_NUM_THREADS"] = "0"  # Mesa: the processes share the cores, their threads need not
    with get_context("spawn").Pool(min(workers, len(chunks)), _begin_worker, (folder,)) as pool:
        yield from pool.imap_unordered(_render_chunk, chunks)


class _Worker:
    """What a worker process keeps between chunks."""

    folder: Path
    renderer: Renderer | None = None


def _begin_worker(folder: Path) -> None:
    _Worker.folder = folder


def _render_chunk(shots: tuple[Shot, ...]) -> int:
    if _Worker.renderer is None:
        _Worker.renderer = Renderer()
    for shot in shots:
        _render_one(_Worker.renderer, shot, _Worker.folder)
    return len(shots)


def _render_one(renderer: Renderer, shot: Shot, folder: Path) -> None:
    path = folder / shot.path
    data = BytesIO()
    Image.fromarray(renderer.render(shot)).save(data, "JPEG", quality=JPEG_QUALITY)
    _replace(path, data.getvalue())


def _chunks(shots: Iterable[Shot]) -> Iterator[tuple[Shot, ...]]:
    """Shots of one street each, so that a worker seldom changes its scenery."""
    for _, group in groupby(shots, key=lambda shot: shot.street):
        of_street = tuple(group)
        for begin in range(0, len(of_street), _CHUNK):
            yield of_street[begin : begin + _CHUNK]


def _write_table(path: Path, shots: tuple[Shot, ...]) -> None:
    lines = [",".join(COLUMNS)]
    lines += [",".join(_row(shot)) for shot in shots]
    _replace(path, ("\n".join(lines) + "\n").encode())


def _row(shot: Shot) -> tuple[str, ...]:
    return (
        shot.path,
        f"{shot.position.latitude:.8f}",
        f"{shot.position.longitude:.8f}",
        f"{shot.heading_deg:.2f}",
        shot.time.isoformat(),
        shot.condition,
        str(shot.street),
        f"{shot.camera.along_m:.3f}",
        shot.place,
    )


def _replace(path: Path, data: bytes) -> None:
    """Writes a file so that it is either complete or not there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(data)
    temporary.replace(path)


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of ``database.csv`` or ``queries.csv``."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
