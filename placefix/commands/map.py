"""``placefix map``: looking into maps, and changing them."""

import typer

from placefix.commands.map_describe import describe
from placefix.commands.map_duplicates import duplicates
from placefix.commands.map_exchange import fetch, push
from placefix.commands.map_outliers import outliers
from placefix.commands.map_versions import abandon, activate, ids, prune, rollback, versions
from placefix.commands.renamed_options import RenamingCommand

app = typer.Typer(help="Look into maps, and change them.", no_args_is_help=True, add_completion=False)
app.command("describe")(describe)
app.command("duplicates")(duplicates)
app.command("outliers", cls=RenamingCommand)(outliers)
app.command("ids")(ids)
app.command("versions")(versions)
app.command("activate")(activate)
app.command("rollback")(rollback)
app.command("prune")(prune)
app.command("abandon")(abandon)
app.command("push")(push)
app.command("fetch")(fetch)
