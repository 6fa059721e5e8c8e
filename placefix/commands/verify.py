"""``placefix verify``: whether a map is unchanged since it was written, and works."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from index_builder.verify import DEFAULT_SAMPLE, VerifyReport, verify_map
from model.device import choose_device
from model.encoder import Encoder
from model.network_precision import choose_network_precision
from model.weights import resolve_weights
from place_map.network_file import read_network
from place_map.versions import read_manifest
from placefix.commands.options import NETWORK_PANEL, Device
from placefix.commands.renamed_options import RenamingCommand
from placefix.console import output_console
from placefix.exit_codes import ExitCode
from placefix.picture_limits import read_picture_limits
from placefix.progress import format_duration, show_progress
from placefix.wording import count

app = typer.Typer(add_completion=False)


@app.command(cls=RenamingCommand)
def verify(
    map_path: Annotated[Path, typer.Argument(metavar="MAP", help="The map: maps/NAME.", show_default=False)],
    sample: Annotated[int, typer.Option(min=0, help="Pictures that have to find themselves.")] = DEFAULT_SAMPLE,
    weights: Annotated[
        str | None,
        typer.Option(
            help="A checkpoint file or a known name. Then the sample's pictures are encoded again where they are.",
            show_default=False,
            rich_help_panel=NETWORK_PANEL,
        ),
    ] = None,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check every byte of a map and the content of its files, and that pictures find themselves in it.

    Exit code [bold]0[/bold]: the map is good; [bold]1[/bold]: it is not, and the report names each file.
    """
    encoder = None
    if weights is not None:
        manifest, chosen = read_manifest(map_path), choose_device(device).device
        network = read_network(manifest.network, resolve_weights(weights))
        arithmetic = choose_network_precision("auto", chosen, (manifest.network.precision,))
        encoder = Encoder(network, chosen, manifest.preparation_for(network), arithmetic.precision)
    with show_progress("verifying", "bytes") as progress:
        report = verify_map(map_path, encoder=encoder, sample=sample, progress=progress, limits=read_picture_limits())
    if as_json:
        typer.echo(json.dumps(_as_json(report), indent=2))
    else:
        _print(report)
    if not report.is_good:
        raise typer.Exit(ExitCode.ERROR)


def _as_json(report: VerifyReport) -> dict[str, object]:
    return {
        "map": str(report.path),
        "version": report.version,
        "versions": list(report.versions),
        "good": report.is_good,
        "problems": [
            {"path": problem.path, "kind": problem.kind.value, "message": problem.message}
            for problem in report.problems
        ],
        "notes": list(report.notes),
        "files": report.files,
        "bytes": report.bytes,
        "pictures": report.pictures,
        "sampled": report.sampled,
        "reencoded": report.reencoded,
        "duration_s": round(report.duration_s, 3),
    }


def _print(report: VerifyReport) -> None:
    console = output_console()
    if report.problems:
        table = Table("file", "problem", "what", title=f"{report.path}: problems")
        for problem in report.problems:
            table.add_row(Text(problem.path), problem.kind.value, Text(problem.message), style="red")
        console.print(table)
    for note in report.notes:
        console.print(Text(f"note: {note}"), soft_wrap=True)
    verdict = Text("good", "bold green") if report.is_good else Text("damaged", "bold red")
    looked_at = [f"{report.files:,} files", decimal(report.bytes)]
    if len(report.versions) > 1:
        looked_at.append(f"{len(report.versions)} versions")
    if report.sampled:  # damaged files end the check before the pictures are counted and searched for
        again = f", {report.reencoded} of them encoded again" if report.reencoded else ""
        looked_at += [count(report.pictures, "picture"), f"{report.sampled} searched for{again}"]
    console.print(
        Text.assemble(
            f"{report.path} version {report.version or 'unknown'}: ",
            verdict,
            f" ({', '.join(looked_at)}, {format_duration(report.duration_s)})",
        ),
        soft_wrap=True,
    )
