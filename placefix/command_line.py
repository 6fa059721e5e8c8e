"""The command line ``placefix`` with all its commands."""

import warnings
from importlib.metadata import version
from typing import Annotated

import typer

from placefix.commands import cluster, keys, show, weights
from placefix.commands import map as map_commands
from placefix.commands.add import add
from placefix.commands.build import build
from placefix.commands.calibrate import calibrate
from placefix.commands.compact import compact
from placefix.commands.encode import encode
from placefix.commands.evaluate import evaluate
from placefix.commands.evaluate_options import EvaluateCommand
from placefix.commands.geotag import geotag
from placefix.commands.localize import localize
from placefix.commands.remove import remove
from placefix.commands.renamed_options import RenamingCommand, RerankingCommand
from placefix.commands.serve import serve
from placefix.commands.train import train
from placefix.commands.update import update
from placefix.commands.verify import verify
from placefix.console import run

app = typer.Typer(
    name="placefix",
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


app.command(cls=RenamingCommand)(build)
app.command()(add)
app.command()(update)
app.command()(remove)
app.command()(compact)
app.command()(calibrate)
app.command()(verify)
app.command(cls=RerankingCommand)(serve)
app.command(cls=RerankingCommand)(localize)
app.command()(geotag)
app.command(cls=RenamingCommand)(encode)
app.command()(train)
app.command(cls=EvaluateCommand)(evaluate)
app.add_typer(map_commands.app, name="map")
app.add_typer(show.app, name="show")
app.add_typer(weights.app, name="weights")
app.add_typer(keys.app, name="keys")
app.add_typer(cluster.app, name="cluster")


def main() -> None:
    """Run the command line."""
    # Pillow warns of broken metadata in usable pictures, and of sizes that are refused anyway, in the middle of a
    # progress bar or a log; and Python keeps each warning in memory, so as not to repeat it.
    for category in (UserWarning, RuntimeWarning):
        warnings.filterwarnings("ignore", category=category, module=r"PIL\.")
    run(app)
