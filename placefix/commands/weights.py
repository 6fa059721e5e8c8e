"""``placefix weights``: listing, fetching, importing and describing networks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from model.downloads import OnProgress
from model.errors import InvalidInput
from model.published_weights import PUBLISHED
from model.weight_files.description import Description
from model.weights import describe_weights, resolve_weights
from model.weights_cache import WeightsCache
from model.weights_fetch import FetchedWeights, fetch_weights
from model.weights_import import KeypointFiles, import_weights
from model.weights_list import is_installed, list_weights
from placefix.commands.options import NumHeads
from placefix.commands.weights_list import Cache, list_, print_weights
from placefix.console import error_console, output_console
from placefix.wording import UNKNOWN_LICENCE

UNTRAINED = "no: a backbone alone; adapters and local features are untrained, so re-ranking means nothing"

app = typer.Typer(help="List, fetch, import and describe networks.", no_args_is_help=True, add_completion=False)
app.command("list")(list_)

Sha256 = Annotated[str | None, typer.Option(metavar="HEX", help="The SHA-256 that the file must have.")]


@app.command()
def fetch(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|URL",
            help="selavpr_msls, selavpr_pitts30k or another name of placefix weights list; or an address.",
            show_default=False,
        ),
    ] = None,
    sha256: Sha256 = None,
    name: Annotated[
        str | None, typer.Option(help="The name for the file.", show_default="the name, or the end of the address")
    ] = None,
    cache: Cache = None,
) -> None:
    """Download weights into the cache, or continue an interrupted download. Without a name, list the weights.

    Nobody publishes checksums of these files: the first download is opened, every tensor of it, before its checksum is
    remembered, and later ones must have the same. Where a file is in several places, they are tried in turn.
    """
    notes = error_console()
    if source is None:
        if sha256 is not None or name is not None:
            raise InvalidInput("--sha256 and --name belong to weights: give the name or the address of those to fetch")
        print_weights(list_weights(WeightsCache(cache)))
        notes.print("fetch one of them with: placefix weights fetch NAME", soft_wrap=True)
        return
    published = PUBLISHED.get(source)
    if published is not None and is_installed(published) and sha256 is None and name is None:
        notes.print(f"{source}: here already, in the Python package {published.package}", soft_wrap=True)
        return
    with _progress(notes, name or source) as on_progress:
        fetched = fetch_weights(
            source,
            WeightsCache(cache),
            name=name,
            sha256=sha256,
            on_progress=on_progress,
            on_wait=lambda: notes.print("another placefix is fetching this file; waiting for it"),
            on_note=lambda text: notes.print(text, markup=False, soft_wrap=True),
        )
    notes.print(_arrival(fetched))
    _print_facts(
        [
            ("file", str(fetched.path)),
            ("sha256", fetched.sha256),
            ("from", fetched.source or "brought by hand"),
            ("licence", UNKNOWN_LICENCE if published is None else published.licence),
            ("next", f"placefix weights describe {_as_argument(fetched.name, cache, fetched.path)}"),
        ]
    )


@app.command(name="import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A checkpoint of a known network: SelaVPR, DINOv2, Placefix or others. With --finder also a name.",
            show_default=False,
        ),
    ],
    name: Annotated[str | None, typer.Option(help="The name in the cache.", show_default="the file's name")] = None,
    sha256: Sha256 = None,
    num_heads: NumHeads = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace another network of that name.")] = False,
    local_features: Annotated[
        Literal["none", "patches"],
        typer.Option(help="patches: re-rank by DINOv2's patches, with a network of SALAD, MegaLoc or BoQ over DINOv2."),
    ] = "none",
    finder: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME",
            help="For SuperGlue's weights (research only): the network that finds the pictures to compare.",
            show_default=False,
        ),
    ] = None,
    superpoint: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME",
            help="SuperPoint's weights (research only), if those of SuperGlue are a file of their own.",
            show_default=False,
        ),
    ] = None,
    cache: Cache = None,
) -> None:
    """Load a checkpoint that you downloaded by hand, and keep its network in the cache under a name."""
    here = WeightsCache(cache)
    if finder is None and superpoint is not None:
        raise InvalidInput(f"--superpoint {superpoint}: name the network that finds pictures, too, with --finder")
    if finder is None:
        keypoints = None
    else:
        file, name = resolve_weights(str(file), here), name or f"{Path(finder).stem}_{file.stem}"
        keypoints = KeypointFiles(
            resolve_weights(finder, here), None if superpoint is None else resolve_weights(superpoint, here)
        )
    imported = import_weights(
        file,
        here,
        name=name,
        sha256=sha256,
        num_heads=num_heads,
        replace=replace,
        patches=local_features == "patches",
        keypoints=keypoints,
    )
    error_console().print(
        f"{imported.name}: imported" if imported.is_new else f"{imported.name}: this network is in the cache already"
    )
    argument = _as_argument(imported.name, cache, imported.path)
    _print_facts(
        [
            imported.network.facts()[0],
            ("trained", "yes" if imported.network.is_trained else UNTRAINED),
            ("fingerprint", imported.fingerprint),
            ("file", str(imported.path)),
            ("next", f"placefix build --source PHOTOS --weights {argument} --out maps/NAME"),
        ]
    )


@app.command()
def describe(
    weights: Annotated[
        str, typer.Argument(metavar="FILE|NAME", help="A checkpoint file, or a name in the cache.", show_default=False)
    ],
    num_heads: NumHeads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    cache: Cache = None,
) -> None:
    """Load a checkpoint and describe it: its network, its parts, its fingerprint."""
    here = WeightsCache(cache)
    description = describe_weights(resolve_weights(weights, here), num_heads, here)
    if as_json:
        values = asdict(description)
        values["path"] = str(description.path)
        values["parameters"] = {part.replace(" ", "_"): count for part, count in description.parameters.items()}
        values["parameters"]["total"] = sum(description.parameters.values())
        del values["facts"]
        typer.echo(json.dumps(values, indent=2))
    else:
        _print_facts(_description_facts(description))


@contextmanager
def _progress(console: Console, what: str) -> Iterator[OnProgress]:
    """Show a bar while bytes arrive, or one line without a terminal; show nothing if nothing is downloaded."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    description = what.rstrip("/").rpartition("/")[2]
    with Progress(*columns, console=console, transient=True, expand=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=None, visible=False)
        shown_bytes: int | None = None

        def show(received_bytes: int, total_bytes: int | None) -> None:
            nonlocal shown_bytes
            if shown_bytes is None and not console.is_terminal:
                console.print(f"downloading {description}", markup=False)
            if (
                shown_bytes is None or received_bytes < shown_bytes
            ):  # bytes of an earlier run do not count for the speed
                progress.reset(task, completed=received_bytes, total=total_bytes, visible=True)
            progress.update(task, completed=received_bytes, total=total_bytes)
            shown_bytes = received_bytes

        yield show


def _arrival(fetched: FetchedWeights) -> str:
    if not fetched.is_new:
        checked = "" if fetched.compared_with == "nothing" else f", with the checksum {fetched.compared_with}"
        return f"{fetched.name}: in the cache already{checked}"
    checks = {
        "given": "the checksum is the one given",
        "published": "users of the file have published this checksum",
        "remembered": "the checksum equals the first download's",
        "nothing": "the checksum is remembered from now on, because none is known to compare it with",
    }
    return f"{fetched.name}: downloaded {decimal(fetched.size_bytes)}; {checks[fetched.compared_with]}"


def _description_facts(description: Description) -> list[tuple[str, str]]:
    training = description.training
    facts = [
        ("file", str(description.path)),
        ("size", f"{decimal(description.size_bytes)}, {description.stored_as}"),
        ("sha256", description.sha256),
        ("kind", str(description.kind)),
        ("licence", description.licence or UNKNOWN_LICENCE),
        ("trained", "yes" if description.is_trained else UNTRAINED),
        ("fingerprint", description.fingerprint),
        ("family", description.family),
        *description.facts,
        ("parameters", f"{sum(description.parameters.values()):,}"),
        *(("", f"{part:<16}  {count:>13,}") for part, count in description.parameters.items()),
    ]
    if training.epoch is not None:
        facts.append(("epoch", str(training.epoch)))
    if training.recalls_percent:
        recalls = " / ".join(f"{recall:.1f}" for recall in training.recalls_percent)
        facts.append(("recall", f"{recalls} % at 1 / 5 / 10 / 20, on its validation set"))
    if training.best_recall_at_5_percent is not None:
        facts.append(("best recall", f"{training.best_recall_at_5_percent:.1f} % at 5, in the epochs before"))
    return facts


def _as_argument(name: str, cache: Path | None, path: Path) -> str:
    """Return the argument for these weights in another command: the name, or the path if they are in another cache."""
    return name if WeightsCache(cache).folder == WeightsCache().folder else str(path)


def _print_facts(facts: list[tuple[str, str]]) -> None:
    """Print names and values in two columns; on a terminal, long values fold below themselves."""
    console = output_console()
    if not console.is_terminal:
        for label, value in facts:
            typer.echo(f"{label:<11}  {value}")
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in facts:
        table.add_row(label, Text(value))
    console.print(table)
