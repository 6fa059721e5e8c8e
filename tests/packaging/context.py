"""Read the files of an image from ``docker/Dockerfile`` and ``.dockerignore``."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"


def copied() -> list[tuple[str, str]]:
    """Return sources and targets of the Dockerfile's COPY lines that take from the build context."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    return [(source, words[-1]) for line in lines for words in [line.split()] for source in words[:-1]]


def let_in() -> list[str]:
    """Return the entries of the build context: ``.dockerignore`` leaves out all others."""
    return [line[1:] for line in _dockerignore() if line.startswith("!")]


def copy_context(folder: Path) -> None:
    """Lay out a folder as the Dockerfile lays out the one that it installs from."""
    kept_out = shutil.ignore_patterns(*(line.removeprefix("**/") for line in _dockerignore() if line.startswith("**/")))
    for source, target in copied():
        if source not in let_in():
            continue
        path, into = ROOT / source, folder / target
        if path.is_dir():
            shutil.copytree(path, into, ignore=kept_out)
        else:
            shutil.copy(path, into / path.name if target.endswith("/") else into)


def _dockerignore() -> list[str]:
    return (ROOT / ".dockerignore").read_text("utf-8").splitlines()
