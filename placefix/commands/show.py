"""``placefix show``: pictures of the work of a network."""

import typer

from placefix.commands.renamed_options import RerankingCommand
from placefix.commands.show_heatmap import heatmap
from placefix.commands.show_matches import matches
from placefix.commands.show_results import results

app = typer.Typer(
    help="Draw the regions that a network looks at, its matches and its answers.",
    no_args_is_help=True,
    add_completion=False,
)
app.command()(heatmap)
app.command()(matches)
app.command(cls=RerankingCommand)(results)
