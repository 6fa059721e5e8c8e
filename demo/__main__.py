"""``python -m demo``: build and query the demo, render its town, train its network, and ship both."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from demo.build import DemoFiles, build_demo
from demo.calibration import calibrate_demo
from demo.check import FOUND_WITHIN_M, CheckedQuery, Score, chance, check_queries, read_queries, scores
from demo.prepare import check_readable, demo_files, name_of_map, note_folder, prepare_demo, prepare_photos
from demo.pretraining.command import pretrain
from demo.rendering.contact_sheet import write_contact_sheet
from demo.rendering.render import render_split, split_named
from demo.shipped import SHIPPED, ShippedTown
from demo.shipping import ship_pictures, ship_weights
from index_builder.target import map_name_of
from model.errors import InvalidInput
from placefix.calibration.calibrate import describe_outcome
from placefix.console import output_console, resumable, run
from placefix.progress import show_progress

app = typer.Typer(help="A small town to try Placefix with.", no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(pretrain)

Town = Annotated[Path, typer.Option(help="The folder of the shipped pictures and weights.")]


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="The demo's directory; it is made if it is missing.")] = Path(".demo"),
    town: Town = SHIPPED.root,
) -> None:
    """Build a map of the shipped pictures with the shipped weights; existing parts are kept."""
    files, console = DemoFiles(out), output_console()
    if not build_demo(out, show_progress, ShippedTown(town)):
        console.print(_nothing_to_do(out), soft_wrap=True)
    console.print(
        "Three streets of a town that does not exist, and a network that was trained on other streets of it:\n"
        "it finds places there, by day and by night, and is not made for photographs.\n\n"
        f"serve  placefix serve --map {files.map} --weights {files.weights} --samples {files.samples}\n"
        "look   at the address that it says it listens on\n"
        "score  python -m demo check --url ADDRESS\n",
        soft_wrap=True,
    )


@app.command()
def prepare(
    photos: Annotated[
        Path | None,
        typer.Option(
            envvar="PHOTOS",
            help="A folder of photos to serve, instead of the demo.",
            show_default=False,
            readable=False,
        ),
    ] = None,
    mounted_at: Annotated[
        Path | None,
        typer.Option(
            help="The path of that folder here, if it differs: in a container.",
            show_default=False,
            readable=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder of map and settings.")] = Path(".served"),
    served_at: Annotated[
        str | None, typer.Option(help="The address of the server, for the message.", show_default=False)
    ] = None,
) -> None:
    """Prepare the map for make serve and docker compose up, and write its settings to served.toml."""
    if photos is None:
        if not prepare_demo(out, show_progress):
            output_console().print(_nothing_to_do(demo_files(out).root), soft_wrap=True)
        output_console().print(
            "Three streets of a town that does not exist, and a network that was trained on other streets of it:\n"
            "it finds places there, by day and by night. For your own photos:\n"
            "make serve PHOTOS=FOLDER, or PHOTOS=FOLDER docker compose up --detach",
            soft_wrap=True,
        )
    else:
        photos = photos.expanduser()  # zsh does not expand the ~ of `make serve PHOTOS=~/walk`
        source = mounted_at or photos
        check_readable(source, photos)
        name = name_of_map(photos, source, out)
        if mounted_at is not None:
            note_folder(name, photos, out)
        if name != (usual := map_name_of(photos)):
            output_console().print(
                f"The map {usual} is of another folder, and stays as it is; the map of {photos} is called {name}.",
                soft_wrap=True,
                markup=False,
            )
        if exit_code := prepare_photos(source, name, out):
            raise typer.Exit(exit_code)
        output_console().print(
            f"The map {name} is served from now on. After photos were added, changed or taken away, "
            "give the same command again.",
            soft_wrap=True,
        )
    if served_at is not None:
        output_console().print(f"Look at {served_at} as soon as the server is ready.", soft_wrap=True)


@app.command()
def check(
    url: Annotated[str, typer.Option(help="The running service.")] = "http://127.0.0.1:8000",
    map_name: Annotated[str | None, typer.Option("--map", help="The map, if the service has several.")] = None,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="PLACEFIX_KEY", show_envvar=True, show_default=False, help="An API key, if the service needs one."
        ),
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Print also every query and its answer.")] = False,
    town: Town = SHIPPED.root,
) -> None:
    """Send all queries of the demo to a running service, and print the errors of the answers."""
    queries = read_queries(ShippedTown(town))
    answers: list[CheckedQuery] = []
    with show_progress("asking") as progress:
        progress.started(len(queries), 0)
        for answer in check_queries(queries, url, map_name, key):
            answers.append(answer)
            progress.advanced(1)
    console = output_console()
    if each:
        console.print(_answer_table(answers))
    console.print(_score_table(scores(answers)))
    console.print(
        f"R@1: the answer is within {FOUND_WITHIN_M:.0f} m; a picture of the map at random: "
        f"{chance(queries, ShippedTown(town)):.0%}.",
        soft_wrap=True,
    )


@app.command()
def render(
    split: Annotated[str, typer.Option(help="pretrain, train, val or test.")],
    out: Annotated[Path, typer.Option(help="The folder in which the split's own folder is made.")],
    streets: Annotated[int | None, typer.Option(help="The number of its streets; by default all.", min=1)] = None,
    workers: Annotated[int, typer.Option(help="Processes that render.", min=1)] = 1,
) -> None:
    """Render a part of the town: pictures, database.csv and queries.csv; existing pictures are kept."""
    with resumable():
        count = render_split(split, out, show_progress, streets, workers)
    output_console().print(f"{count} pictures rendered; all of the split are in {out / split}.", soft_wrap=True)


@app.command()
def sheet(
    split: Annotated[str, typer.Option(help="pretrain, train, val or test.")],
    out: Annotated[Path, typer.Option(help="The PNG to write.")],
) -> None:
    """Render a contact sheet: places of the database, and queries beside them in every condition."""
    write_contact_sheet(split_named(split).name, out)


@app.command()
def ship(
    pictures: Annotated[
        Path | None,
        typer.Option(help="The folder of the rendered split test, from which the shipped pictures are chosen."),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="A trained network, which is shipped in float16.")] = None,
    out: Annotated[Path, typer.Option(help="The folder of the shipped files.")] = SHIPPED.root,
) -> None:
    """Replace the shipped pictures or weights of the demo."""
    if pictures is None and weights is None:
        raise InvalidInput("nothing to ship: name rendered pictures with --pictures, or a network with --weights")
    town, console = ShippedTown(out), output_console()
    if pictures is not None:
        shipped = ship_pictures(pictures, town.pictures)
        console.print(
            f"pictures  {shipped.database} of the map and {shipped.queries} queries, {shipped.total_bytes / 1e6:.1f} "
            f"MB: {town.pictures}",
            soft_wrap=True,
        )
    if weights is not None:
        size_bytes = ship_weights(weights, town.weights)
        console.print(f"weights   {size_bytes / 1e6:.1f} MB: {town.weights}", soft_wrap=True)


@app.command()
def calibrate(
    pictures: Annotated[
        Path,
        typer.Option(
            help="The folder of the rendered splits: queries come from test, photos of other places from val."
        ),
    ] = Path(".town/pictures"),
    town: Town = SHIPPED.root,
    out: Annotated[Path, typer.Option(help="The folder of the temporary map and the answers.")] = Path(
        ".town/calibration"
    ),
) -> None:
    """Calibrate the map of the shipped pictures, and ship the calibration. After an interruption, the same command
    continues.
    """
    with resumable():
        outcome = calibrate_demo(pictures, ShippedTown(town), out, show_progress)
    output_console().print(f"calibration  {describe_outcome(outcome)}", soft_wrap=True)


def _nothing_to_do(root: Path) -> str:
    return f"The demo in {root} is complete; nothing to do."


def _answer_table(answers: list[CheckedQuery]) -> Table:
    table = Table("query", "best candidate", _number("m off"), _number("ms"))
    for answer in answers:
        style = "green" if answer.is_found else "red"
        table.add_row(
            answer.query.sample.path.stem,
            answer.found or "-",
            f"[{style}]{_metres(answer.off_m)}[/{style}]",
            f"{answer.duration_ms:.0f}",
        )
    return table


def _score_table(rows: list[Score]) -> Table:
    table = Table("condition", *map(_number, ("queries", "found", "R@1", "metres off (median)", "ms (mean)")))
    for row in rows:
        table.add_row(
            row.condition,
            str(row.queries),
            str(row.found),
            f"{row.found / row.queries:.0%}",
            _metres(row.off_m),
            f"{row.duration_ms:.0f}",
            end_section=row is rows[-2],
        )
    return table


def _number(title: str) -> Column:
    return Column(title, justify="right")


def _metres(distance_m: float | None) -> str:
    return "-" if distance_m is None else f"{distance_m:.0f}"


def main() -> None:
    """Run the command line."""
    run(app)


if __name__ == "__main__":
    main()
