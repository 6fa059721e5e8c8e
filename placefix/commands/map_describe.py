"""``placefix map describe``: the content of a map, as text, as JSON and as a picture."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from index_builder.description.describe import MapDescription, describe_map
from index_builder.description.extent import CELL_M
from index_builder.description.headings import DIRECTIONS
from index_builder.description.neighbours import WITHIN_DEG, WITHIN_M
from place_map.reader import PlaceMap
from placefix.console import error_console, output_console
from placefix.description_text import print_description
from placefix.drawings.canvas import check_file_target
from placefix.drawings.map_sheet import SUFFIXES, draw_map_sheet
from placefix.drawings.plots import check_can_draw


def describe(
    map_path: Annotated[Path, typer.Argument(metavar="MAP", help="The map: maps/NAME.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(help="Also draw it: a file that ends in .png, .svg or .pdf.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Describe a map: its place, density, headings, times, and size in bytes.

    Told, too: how many pictures have a neighbour that looks the same way, which finding a query depends on most.
    """
    if out is not None:
        check_file_target(out, SUFFIXES)
        check_can_draw()
    with PlaceMap.open(map_path) as place_map:
        description = describe_map(place_map)
        if out is not None:
            draw_map_sheet(description, place_map.places.latitudes, place_map.places.longitudes, out)
            error_console().print(f"drawn: {out}", soft_wrap=True, markup=False)
    if as_json:
        typer.echo(json.dumps(as_json_object(description), indent=2))
    else:
        print_description(description, output_console())


def as_json_object(description: MapDescription) -> dict[str, object]:
    """Return the description under keys that stay the same between releases, with units; null is unknown."""
    box, headings, dates, sizes = description.box, description.headings, description.dates, description.sizes
    return {
        "map": str(description.path),
        "name": description.name,
        "version": description.version,
        "created_at": description.created_at,
        "network": {
            "family": description.network_family,
            "fingerprint": description.network_fingerprint,
            "trained": description.is_trained,
            "precision": description.precision,
            "preprocessing": str(description.preprocessing),
            "weights_licence": description.weights_licence,
        },
        "reranker": description.reranker,
        "store": description.store,
        "index": description.index_factory,
        "sources": [asdict(source) for source in description.sources],
        "pictures": description.pictures,
        "skipped": description.skipped,
        "rejected": description.rejected,
        "segments": description.segments,
        "dead_rows": description.dead_rows,
        "bounding_box": {
            "south_deg": box.south,
            "west_deg": box.west,
            "north_deg": box.north,
            "east_deg": box.east,
            "width_m": round(box.width_m, 1),
            "height_m": round(box.height_m, 1),
        },
        "covered": {
            "cell_m": CELL_M,
            "cells": description.covered_cells,
            "area_km2": round(description.covered_km2, 2),
        },
        "density_per_km2": round(description.pictures_per_km2, 1),
        "median_nearest_m": _rounded(description.median_nearest_m, 2),
        "headings": {
            "known": headings.known,
            "by_direction": dict(zip(DIRECTIONS, headings.by_direction, strict=True)),
            "same_view": {
                "within_m": WITHIN_M,
                "within_deg": WITHIN_DEG,
                "pictures": headings.with_same_view,
                "share_of_known": _rounded(headings.same_view_share, 4),
            },
        },
        "dates": {
            "known": dates.known,
            "first": None if dates.first is None else dates.first.isoformat(),
            "last": None if dates.last is None else dates.last.isoformat(),
            "unit": dates.unit,
            "histogram": [
                {"label": each.label, "first_day": each.first_day.isoformat(), "pictures": each.pictures}
                for each in dates.bins
            ],
        },
        "bytes": {
            "global_features": sizes.global_features,
            "local_features": sizes.local_features,
            "thumbnails": sizes.thumbnails,
            "tables": sizes.tables,
            "index": sizes.index,
            "left_out": sizes.left_out,
            "version": sizes.version,
            "per_picture": round(description.bytes_per_picture),
            "beside_the_version": sizes.beside,
        },
        "other_versions": sizes.other_versions,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
