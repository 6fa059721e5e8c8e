"""The rendering of a split of the town into a folder: pictures, and two tables of their places."""

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

_CHUNK = 64  # number of pictures of one street that a worker takes at once
_WITHOUT_LOOK = {"render.py", "contact_sheet.py", "__init__.py"}  # modules that do not affect pictures


class ShowProgress(Protocol):
    """Open a display of progress, like ``placefix.progress.show_progress``."""

    def __call__(self, what: str, /) -> AbstractContextManager[Progress]: ...


def split_named(name: str) -> Split:
    """Return a split of the town.

    Raises:
        InvalidInput: There is no split of that name.
    """
    if name not in SPLITS:
        raise InvalidInput(f"the town has no split {name!r}; there are: {', '.join(SPLITS)}")
    return SPLITS[name]


def render_split(
    name: str, out: Path, show_progress: ShowProgress, first_streets: int | None = None, workers: int = 1
) -> int:
    """Render the missing pictures, then write the tables.

    Args:
        name: The name of the split.
        out: The folder in which the split's folder is made.
        show_progress: The display of progress.
        first_streets: The number of the split's streets to render; all if None.
        workers: The number of processes that render.

    Returns:
        The number of rendered pictures.

    Raises:
        InvalidInput: The split does not exist, the folder has other content, or OpenGL is not available.
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
    """Return the digest of everything that determines the pictures of a split but the driver: seed, code, and the
    split.
    """
    digest = hashlib.sha256(f"{SEED} {SPLITS[name]} {JPEG_QUALITY}".encode())
    here = Path(__file__).parent
    for path in sorted([*here.glob("*.py"), *here.glob("shaders/*.glsl")]):
        if path.name not in _WITHOUT_LOOK:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _claim(folder: Path, name: str) -> None:
    """Mark a folder as that of a split, or check its mark."""
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
    """Yield from time to time how many pictures were finished."""
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
    os.environ["LP_NUM_THREADS"] = "0"  # Mesa: the processes share the cores, so one thread each is enough
    with get_context("spawn").Pool(min(workers, len(chunks)), _begin_worker, (folder,)) as pool:
        yield from pool.imap_unordered(_render_chunk, chunks)


class _Worker:
    """Hold the state of a worker process between chunks."""

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
    """Yield shots of one street each, so that a worker seldom changes its scenery."""
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
    """Write a file completely or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(data)
    temporary.replace(path)


def read_table(path: Path) -> list[dict[str, str]]:
    """Read the rows of ``database.csv`` or ``queries.csv``."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
