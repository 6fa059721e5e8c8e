"""The preparation of ``make serve`` and ``docker compose up``: a map of a folder of photos, or the demo.

::

    DIR/served.toml     settings of the server: what to serve
       /folders.json    map → folder of the host, where all folders are mounted at one path: in a container
       /maps/NAME/      the map of a folder of photos
       /demo/           the demo, where no photos are given

The settings override the defaults of the server; environment and flags override the settings.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path

from demo.build import DemoFiles, build_demo
from demo.rendering.render import ShowProgress
from demo.shipped import SHIPPED, ShippedTown
from index_builder.target import map_name_of
from model.durable import write_atomically
from model.errors import InvalidInput
from place_map.layout import CURRENT
from place_map.versions import read_manifest
from placefix.exit_codes import ExitCode

SETTINGS = "served.toml"
FOLDERS = "folders.json"
DEMO_SHORTLIST = 20  # as in docs/book/results.md: the map has 198 pictures, and 100 would be half of them


def check_readable(photos: Path, called: Path) -> None:
    """Check that this process may list a folder; the build reports a missing one.

    Args:
        photos: The folder.
        called: The user's path of the folder, if it differs from the path here.

    Raises:
        InvalidInput: The process may not list the folder.
    """
    try:
        if photos.is_dir():
            next(photos.iterdir(), None)
    except PermissionError as error:
        raise InvalidInput(
            f"{called} cannot be read by the user {os.geteuid()}, who builds the map; let others read it: "
            f"chmod -R a+rX {shlex.quote(str(called))}"
        ) from error


def name_of_map(photos: Path, source: Path, out: Path) -> str:
    """Return the name of the map of a folder: the folder's, with a number where another folder's map has that.

    Args:
        photos: The folder, as the user calls it.
        source: The same, where it is read. If two folders are mounted there in turn, ``note_folder`` tells which
            map is whose.
        out: The folder of maps and settings.

    Raises:
        PlacefixError: A map or the note that is there cannot be read.
    """
    name, noted = map_name_of(photos), _noted_folders(out)
    names = chain((name,), (f"{name}-{number}" for number in count(2)))

    def may_hold(each: str) -> bool:
        if each in noted:
            return noted[each] == str(photos)
        return _may_hold(out / "maps" / each, source)

    return next(filter(may_hold, names))


def note_folder(name: str, photos: Path, out: Path) -> None:
    """Note which folder a map is of, where the path at which the folder is read does not tell.

    Args:
        name: The name of the map.
        photos: The folder, as the user calls it.
        out: The folder of maps and settings.

    Raises:
        PlacefixError: The note that is there cannot be read, or none can be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    noted = _noted_folders(out) | {name: str(photos)}
    write_atomically(out / FOLDERS, json.dumps(noted, indent=2).encode())


def _noted_folders(out: Path) -> dict[str, str]:
    path = out / FOLDERS
    try:
        return {name: str(folder) for name, folder in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:  # AttributeError: JSON, but no object
        raise InvalidInput(
            f"{path} is damaged, so nobody knows which folder each map is of: remove it, and the next folder of a "
            "map's name becomes that map's"
        ) from error


def _may_hold(place_map: Path, source: Path) -> bool:
    """Return whether a map belongs to a folder, or is yet to be made."""
    if not (place_map / CURRENT).exists():
        return True
    return str(source.resolve()) in {known.path for known in read_manifest(place_map).sources}


def prepare_photos(photos: Path, name: str, out: Path) -> int:
    """Build or update the map of a folder of photos; the build prints its progress.

    Args:
        photos: The folder.
        name: The name of the map.
        out: The folder of maps and settings.

    Returns:
        The exit code of ``placefix build``; the settings are written if there is a map.
    """
    place_map = Path("maps") / name
    command = [sys.executable, "-m", "placefix", "build", "--source", str(photos), "--out", str(out / place_map)]
    with subprocess.Popen([*command, "--update"]) as build:  # noqa: S603  our own command
        try:
            exit_code = build.wait()
        except KeyboardInterrupt:  # the build also receives Ctrl-C: it ends itself, and says how to continue
            exit_code = build.wait()
    if exit_code not in (0, ExitCode.SOME_REJECTED):
        return exit_code
    _write_settings(out, {"maps": [str(place_map)]})
    return 0


def prepare_demo(out: Path, show_progress: ShowProgress, town: ShippedTown = SHIPPED) -> bool:
    """Build the demo, unless it exists.

    Args:
        out: The folder of the demo's folder and the settings.
        show_progress: The display of progress.
        town: The shipped files.

    Returns:
        Whether anything had to be built.

    Raises:
        PlacefixError: See ``build_demo``.
    """
    files = demo_files(out)
    did_build = build_demo(files.root, show_progress, town)
    settings = {
        "maps": [str(files.map.relative_to(out))],
        "weights": str(files.weights.absolute()),
        "samples": str(files.samples.relative_to(out)),
        "shortlist": DEMO_SHORTLIST,
    }
    _write_settings(out, settings)
    return did_build


def demo_files(out: Path) -> DemoFiles:
    """Return the files of the demo in the served folder."""
    return DemoFiles(out / "demo")


def _write_settings(out: Path, settings: Mapping[str, object]) -> None:
    """Write a file of settings; strings, numbers and lists of strings are equal in JSON and TOML."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()]
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / SETTINGS, ("\n".join(lines) + "\n").encode())
