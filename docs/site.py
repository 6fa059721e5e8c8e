"""``python -m docs.site``, or ``make docs``: build the site from the documents.

The site has the layout of the repository, so a link between two documents is the same on the site and on a git host.
``mkdocs.yml`` holds the navigation.
"""

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from model.errors import InvalidInput
from placefix.console import output_console, run

REPOSITORY = Path(__file__).parents[1]
DEFAULT_OUT = REPOSITORY / ".site"

_CONFIGURATION = Path(__file__).parent / "mkdocs.yml"
_SOURCES = ("*.md", "docs/**/*.md", "demo/**/*.md")
_LOOKS = ("docs/site.css", "service/web/page/icon.svg")
_LINK = re.compile(r"\]\(([^)\s#]+)")


def documents() -> list[Path]:
    """List the documents of the repository, in alphabetical order."""
    return sorted(path for pattern in _SOURCES for path in REPOSITORY.glob(pattern))


def linked_files(document: Path) -> Iterator[Path]:
    """Yield the files of the repository that a document links to: other documents, pictures, configurations."""
    for target in _LINK.findall(document.read_text("utf-8")):
        path = (document.parent / target).resolve()
        if path.is_relative_to(REPOSITORY) and path.is_file():
            yield path


def build_site(out: Path) -> None:
    """Build the site, strictly: a broken link, or a document without a place in the navigation, is an error.

    Args:
        out: The folder of the site; files in it are replaced.

    Raises:
        InvalidInput: A document has a fault; the log of mkdocs names it.
    """
    with tempfile.TemporaryDirectory() as staged:
        linked = {path for document in documents() for path in (document, *linked_files(document))}
        for path in (*linked, *(REPOSITORY / name for name in _LOOKS)):
            copy = Path(staged) / path.relative_to(REPOSITORY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        configuration = load_config(str(_CONFIGURATION), docs_dir=staged, site_dir=str(out), strict=True)
        try:
            build(configuration)
        except Abort as fault:
            raise InvalidInput(
                f"the site is not built: correct the documents that the warnings above name ({fault})"
            ) from fault


def site(out: Annotated[Path, typer.Option(help="The folder to write to.")] = DEFAULT_OUT) -> None:
    """Build the site."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    build_site(out)
    output_console().print(f"{out / 'index.html'}", soft_wrap=True)


if __name__ == "__main__":
    app = typer.Typer()
    app.command()(site)
    run(app)
