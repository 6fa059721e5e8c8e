"""``placefix map``: looking into maps, and changing them."""

import typer

from placefix.commands.map_describe import describe
from placefix.commands.map_duplicates import duplicates

app = typer.Typer(help="Look into maps, and change them.", no_args_is_help=True)
app.command("describe")(describe)
app.command("duplicates")(duplicates)
