"""``placefix map outliers``: pictures whose positions other pictures of the map contradict."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from model.durable import write_atomically
from model.errors import InvalidInput
from placefix.commands.map_changes import AsJson, MapArgument
from placefix.commands.options import Device, OptionalWeights
from placefix.console import output_console
from placefix.outliers.own_matches import DEFAULT_CANDIDATES, MAX_CANDIDATES, ask_own_pictures
from placefix.outliers.report import Line, as_csv, as_geojson
from placefix.outliers.suspects import Findings, Limits, Pictures, find_suspects
from placefix.progress import show_progress
from placefix.wording import count, share
from service.loading import load_maps

_DEFAULTS = Limits()


def outliers(
    map_path: MapArgument,
    csv_path: Annotated[
        Path | None, typer.Option("--csv", help="Also write them as a CSV file.", show_default=False)
    ] = None,
    geojson_path: Annotated[
        Path | None,
        typer.Option(
            "--geojson", help="Also write them as points, at the positions of the evidence.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    within_m: Annotated[
        float, typer.Option(help="Metres within which pictures show the same place.")
    ] = _DEFAULTS.within_m,
    beyond_m: Annotated[float, typer.Option(help="Metres from which they show another one.")] = _DEFAULTS.beyond_m,
    candidates: Annotated[
        int, typer.Option(min=1, max=MAX_CANDIDATES, help="Pictures that each one is compared with.")
    ] = DEFAULT_CANDIDATES,
    weights: OptionalWeights = None,
    device: Device = "auto",
) -> None:
    """List pictures whose positions are suspect: other pictures say that they were taken elsewhere.

    Each picture is looked for in the map without itself, by its stored features. It is suspect if it matches
    pictures farther than [bold]--beyond-m[/bold] from its position, and almost none within [bold]--within-m[/bold] of
    it. The map is not changed. Exit code [bold]0[/bold], whether there are suspects or not.
    """
    limits = Limits(within_m, beyond_m)
    for option, path in (("--csv", csv_path), ("--geojson", geojson_path)):
        _check_target(option, path)
    loaded = load_maps([map_path], weights=weights, device=device)
    try:
        [localizer] = loaded.localizers.values()
        place_map = localizer.place_map
        place_map.check_sums()
        pictures = Pictures.of(place_map.places)
        with show_progress("comparing") as progress:
            own = ask_own_pictures(localizer, candidates, pictures.contents, progress)
        findings = find_suspects(own, pictures, limits)
        lines = [Line.of(suspect, place_map.places) for suspect in findings.suspects]
        version = place_map.version
    finally:
        loaded.close()
    if csv_path is not None:
        write_atomically(csv_path, as_csv(lines).encode())
    if geojson_path is not None:
        write_atomically(geojson_path, (json.dumps(as_geojson(lines), indent=1, ensure_ascii=False) + "\n").encode())
    if as_json:
        typer.echo(
            json.dumps(_as_json(map_path, version, len(pictures), limits, candidates, findings, lines), indent=2)
        )
    else:
        _print(map_path, version, len(pictures), limits, findings, lines)


def _check_target(option: str, path: Path | None) -> None:
    """Make sure, before the work, that a file can be written.

    Raises:
        InvalidInput: A folder has its name, or nothing can be written into the folder above.
    """
    if path is None:
        return
    if path.is_dir():
        raise InvalidInput(f"{option} {path}: this is a folder; name a file")
    if not path.parent.is_dir():
        raise InvalidInput(f"{option} {path}: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InvalidInput(f"{option} {path}: nothing may be written into the folder {path.parent}; name another")


def _as_json(
    map_path: Path,
    version: str,
    pictures: int,
    limits: Limits,
    candidates: int,
    findings: Findings,
    lines: Sequence[Line],
) -> dict[str, Any]:
    return {
        "map": str(map_path),
        "version": version,
        "pictures": pictures,
        "within_m": limits.within_m,
        "beyond_m": limits.beyond_m,
        "candidates": candidates,
        "threshold": round(findings.threshold, 2),
        "checked": findings.checked,
        "suspects": [asdict(line) for line in lines],
    }


def _print(
    map_path: Path, version: str, pictures: int, limits: Limits, findings: Findings, lines: Sequence[Line]
) -> None:
    console = output_console()
    if lines:
        picture = Column("picture", overflow="fold")
        table = Table(picture, "its position", "the evidence says", title=f"{map_path}: suspect positions")
        for heading in ("metres between", "matches there", "matches here"):
            table.add_column(heading, justify="right")
        for line in lines:
            table.add_row(
                Text(line.id),
                f"{line.latitude:.6f}, {line.longitude:.6f}",
                f"{line.evidence_latitude:.6f}, {line.evidence_longitude:.6f}",
                f"{line.distance_m:,.0f}",
                f"{line.matches_there:,}",
                f"{line.matches_here:,}",
            )
        console.print(table)
    found = f"{count(len(lines), 'suspect position')}" if lines else "no suspect positions"
    console.print(Text(f"{map_path} version {version}: {count(pictures, 'picture')}, {found}"), soft_wrap=True)
    console.print(
        f"a wrong position would show, by pictures within {limits.within_m:g} m of the right one: "
        f"{share(findings.checked, pictures)}",
        soft_wrap=True,
    )
