"""``python -m demo``: builds the demo, and asks a running service with its queries."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from demo.build import DemoFiles, build_demo
from demo.check import FOUND_WITHIN_M, CheckedQuery, chance, check_queries
from demo.rendering.contact_sheet import write_contact_sheet
from demo.rendering.render import render_split, split_named
from demo.walk import QUERIES
from placefix.console import output_console, run
from placefix.progress import show_progress

app = typer.Typer(help="A small town to try Placefix with.", no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="The demo's directory; it is made if it is not there.")] = Path(".demo"),
) -> None:
    """Draw a town, and build a map of it; what is there already is kept."""
    files, console = DemoFiles(out), output_console()
    if not build_demo(out, show_progress):
        console.print(f"The demo in {out} is complete; nothing to do.", soft_wrap=True)
    console.print(
        f"A town that does not exist: {len(list(files.database.glob('*.jpg')))} pictures of it are in the map.\n"
        "Its network is small and UNTRAINED: the demo shows that everything works,\n"
        "not how well places are found.\n\n"
        f"serve  placefix serve --map {files.map} --rerank\n"
        f"ask    curl -F image=@{files.queries}/query-03.jpg localhost:8000/localize\n"
        "score  python -m demo check\n",
        soft_wrap=True,
    )


@app.command()
def check(
    url: Annotated[str, typer.Option(help="The running service.")] = "http://127.0.0.1:8000",
    map_name: Annotated[str | None, typer.Option("--map", help="Which of its maps, if it serves several.")] = None,
) -> None:
    """Ask a running service with all queries of the demo, and print how far off the answers are."""
    table = Table(
        "query", "light", "best candidate", Column("metres off", justify="right"), Column("ms", justify="right")
    )
    answers: list[CheckedQuery] = []
    with show_progress("asking") as progress:
        progress.started(QUERIES, 0)
        for answer in check_queries(url, map_name):
            answers.append(answer)
            progress.advanced(1)
    for answer in answers:
        off = "-" if answer.off_m is None else f"{answer.off_m:.0f}"
        style = "green" if answer.is_found else "red"
        table.add_row(
            answer.shot.name,
            answer.shot.light.name,
            answer.found or "-",
            f"[{style}]{off}[/{style}]",
            f"{answer.duration_ms:.0f}",
        )
    console = output_console()
    console.print(table)
    found = sum(answer.is_found for answer in answers)
    console.print(
        f"{found} of {len(answers)} within {FOUND_WITHIN_M:.0f} m; a picture of the map at random: {chance():.0%}.",
        soft_wrap=True,
    )


@app.command()
def render(
    split: Annotated[str, typer.Option(help="pretrain, train, val or test.")],
    out: Annotated[Path, typer.Option(help="The folder in which the split's own folder is made.")],
    streets: Annotated[int | None, typer.Option(help="Only so many of its streets.", min=1)] = None,
    workers: Annotated[int, typer.Option(help="Processes that render.", min=1)] = 1,
) -> None:
    """Render a part of the town: pictures, database.csv and queries.csv; what is there already is kept."""
    count = render_split(split, out, show_progress, streets, workers)
    output_console().print(f"{count} pictures rendered; all of the split are in {out / split}.", soft_wrap=True)


@app.command()
def sheet(
    split: Annotated[str, typer.Option(help="pretrain, train, val or test.")],
    out: Annotated[Path, typer.Option(help="The PNG to write.")],
) -> None:
    """Render a contact sheet: places of the database, and queries beside them in every condition."""
    write_contact_sheet(split_named(split).name, out)


def main() -> None:
    """Runs the command line."""
    run(app)


if __name__ == "__main__":
    main()
