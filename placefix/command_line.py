"""The command line ``placefix`` with all its commands."""

import warnings
from importlib.metadata import version
from typing import Annotated

import typer

from placefix.commands_on_demand import CommandsOnDemand
from placefix.console import run

app = typer.Typer(
    name="placefix",
    cls=CommandsOnDemand,
    help="Says where a photo was taken, by recognising the place in your own geotagged pictures.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"placefix {version('placefix')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    # Pillow warns of broken metadata in usable pictures, and of sizes that are refused anyway, in the middle of a
    # progress bar or a log; and Python keeps each warning in memory, so as not to repeat it.
    for category in (UserWarning, RuntimeWarning):
        warnings.filterwarnings("ignore", category=category, module=r"PIL\.")
    run(app)
