"""Prepare what ``make serve`` and ``docker compose up`` serve: a map of a folder of photos, or the demo.

::

    DIR/served.toml     settings of the server: what to serve
       /maps/NAME/      the map of a folder of photos
       /demo/           the demo, where no photos are given

The settings win over the defaults of the server, and environment and flags win over them.
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
DEMO_SHORTLIST = 20  # as in docs/book/results.md: of its 198 pictures, 100 would be half


def check_readable(photos: Path, called: Path) -> None:
    """Make sure that this process may list a folder; one that is not there is told by its build.

    Args:
        photos: The folder.
        called: What the user calls it, where it has another path here.

    Raises:
        InvalidInput: It may not.
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
        source: The same, where it is read.
        out: Where maps and settings are.

    Raises:
        PlacefixError: A map that is there cannot be read.
    """
    name = map_name_of(photos)
    names = chain((name,), (f"{name}-{number}" for number in count(2)))
    return next(each for each in names if _may_hold(out / "maps" / each, source))


def _may_hold(place_map: Path, source: Path) -> bool:
    """Return whether a map is that of a folder, or is yet to be made."""
    if not (place_map / CURRENT).exists():
        return True
    return str(source.resolve()) in {known.path for known in read_manifest(place_map).sources}


def prepare_photos(photos: Path, name: str, out: Path) -> int:
    """Build a map of a folder of photos, or bring the one that is there up to date; its build tells what it does.

    Args:
        photos: The folder.
        name: Of the map.
        out: Where maps and settings are.

    Returns:
        The exit code of ``placefix build``; the settings are written if there is a map.
    """
    place_map = Path("maps") / name
    command = [sys.executable, "-m", "placefix", "build", "--source", str(photos), "--out", str(out / place_map)]
    with subprocess.Popen([*command, "--update"]) as build:  # noqa: S603  our own command
        try:
            exit_code = build.wait()
        except KeyboardInterrupt:  # the build gets Ctrl-C, too: it ends by itself, and says how it goes on
            exit_code = build.wait()
    if exit_code not in (0, ExitCode.SOME_REJECTED):
        return exit_code
    _write_settings(out, {"maps": [str(place_map)]})
    return 0


def prepare_demo(out: Path, show_progress: ShowProgress, town: ShippedTown = SHIPPED) -> bool:
    """Build the demo, unless it is there.

    Args:
        out: Where the demo's folder and the settings are.
        show_progress: How to say how far it is.
        town: What is shipped.

    Returns:
        Whether there was anything to build.

    Raises:
        PlacefixError: As ``build_demo`` raises it.
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
    """Return where the demo lies in the folder of what is served."""
    return DemoFiles(out / "demo")


def _write_settings(out: Path, settings: Mapping[str, object]) -> None:
    """Write a file of settings; strings, numbers and lists of strings look alike in JSON and TOML."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()]
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / SETTINGS, ("\n".join(lines) + "\n").encode())
