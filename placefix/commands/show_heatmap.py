"""``placefix show heatmap``: where in a picture the network's activation is strong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from model.device import choose_device
from model.errors import InvalidInput
from model.images import ImageLimits, check_header
from model.network import Network
from model.preprocess import Preparation, Preprocessing, open_for, preprocess
from model.weights import load_network, resolve_weights
from placefix.commands.encode import expand_folders
from placefix.commands.options import Device, NumHeads, PreprocessingOption, Weights
from placefix.console import output_console
from placefix.drawings.canvas import check_file_target, check_folder_target, contact_sheet, numbered_name, save_png
from placefix.drawings.feature_maps import FeatureKind, FeatureMap, check_kind, feature_map
from placefix.drawings.heatmap import Heat, draw_heatmap
from placefix.picture_limits import read_picture_limits
from placefix.progress import show_progress

SHEET_COLUMNS = 2
SHEET_PANELS = 12


@dataclass(frozen=True)
class _Drawing:
    network: Network
    preparation: Preparation
    kind: FeatureKind
    network_name: str
    limits: ImageLimits


def heatmap(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", show_default=False)],
    weights: Weights,
    out: Annotated[
        Path,
        typer.Option(
            help="A .png file for one picture or one contact sheet; or a folder for a file each and contact sheets.",
            show_default=False,
        ),
    ],
    features: Annotated[
        FeatureKind, typer.Option(help="The last map of the network before pooling, or SelaVPR's dense local features.")
    ] = FeatureKind.COARSE,
    preprocess: PreprocessingOption = Preprocessing.ANTIALIAS,
    num_heads: NumHeads = None,
    device: Device = "auto",
) -> None:
    """Draw where in pictures the network's activation is strong.

    The heat is the mean over all channels of the final feature map; the scale beside a picture is its own.
    """
    is_file = out.suffix.lower() == ".png"
    (check_file_target if is_file else check_folder_target)(out)
    paths = expand_folders(pictures)
    if is_file and len(paths) > SHEET_PANELS:
        raise InvalidInput(
            f"--out {out}: {len(paths)} pictures do not fit onto one sheet, which holds {SHEET_PANELS}; name a folder"
        )
    limits = read_picture_limits()
    for path in paths:
        check_header(path, limits, whole=preprocess.decodes_whole)
    weights_path = resolve_weights(weights)
    network = load_network(weights_path, num_heads)
    check_kind(network, features, str(weights_path))
    preparation = network.preparation(preprocess)
    drawing = _Drawing(network.to(choose_device(device).device), preparation, features, weights_path.name, limits)
    written = _draw_all(paths, drawing, out, is_file=is_file)
    for path in written:
        output_console().print(str(path), soft_wrap=True, markup=False)


def _draw_all(paths: Sequence[Path], drawing: _Drawing, out: Path, *, is_file: bool) -> list[Path]:
    """Draw a panel for each picture; memory holds the panels of one contact sheet."""
    written: list[Path] = []
    panels: list[Image.Image] = []
    with show_progress("drawing") as progress:
        progress.started(len(paths), 0)
        for number, path in enumerate(paths, start=1):
            panels.append(_draw(path, drawing))
            if not is_file:
                written.append(out / numbered_name(number, path.name))
                save_png(contact_sheet(panels[-1:]), written[-1])
            if len(panels) == SHEET_PANELS or number == len(paths):
                if is_file or len(paths) > 1:
                    written.append(out if is_file else out / f"sheet-{(number - 1) // SHEET_PANELS + 1:03d}.png")
                    save_png(contact_sheet(panels, SHEET_COLUMNS), written[-1])
                panels.clear()
            progress.advanced(1)
    return written


def _draw(path: Path, drawing: _Drawing) -> Image.Image:
    photo = open_for(drawing.preparation, path, drawing.limits)
    values = feature_map(drawing.network, preprocess(photo, drawing.preparation), drawing.kind)
    note = _note(values, drawing.kind, drawing.network_name)
    if not drawing.network.is_trained:
        note += " · untrained network"
    return draw_heatmap(photo, Heat.of(values), path.name, note)


def _note(values: FeatureMap, kind: FeatureKind, network_name: str) -> str:
    rows, columns = values.grid.cells
    what = "cells of the last map" if kind is FeatureKind.COARSE else "dense local features"
    return f"mean over {values.values.shape[1]} channels of {rows} × {columns} {what} · {network_name}"
