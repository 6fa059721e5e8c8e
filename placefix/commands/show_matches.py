"""``placefix show matches``: which places of two pictures match each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from model.device import choose_device
from model.images import check_header
from model.network import Network
from model.preprocess import Preparation, Preprocessing, open_for, preprocess
from model.weights import load_network, resolve_weights
from model.weights_cache import AUTO, STARTER
from placefix.commands.options import Device, NumHeads, PreprocessingOption, Weights
from placefix.console import output_console
from placefix.drawings.canvas import check_file_target, contact_sheet, save_png
from placefix.drawings.feature_maps import FeatureKind, check_kind, feature_map, kinds_of
from placefix.drawings.matches import MatchedPair, NamedPhoto, draw_matches, match
from placefix.picture_limits import read_picture_limits


@dataclass(frozen=True)
class _NamedNetwork:
    name: str
    network: Network
    preparation: Preparation


def matches(
    query: Annotated[Path, typer.Argument(help="A picture.", show_default=False)],
    candidate: Annotated[Path, typer.Argument(help="Another picture, perhaps of the same place.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The .png file to write.", show_default=False)],
    weights: Weights = AUTO,
    features: Annotated[
        FeatureKind | None,
        typer.Option(
            help="The last map of the network before pooling, or SelaVPR's dense local features. By default the dense, "
            "where all networks have them.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="WEIGHTS", help="Another network, to be drawn below.", show_default=False)
    ] = None,
    preprocess: PreprocessingOption = Preprocessing.ANTIALIAS,
    num_heads: NumHeads = None,
    device: Device = "auto",
) -> None:
    """Draw the mutual nearest neighbours between two pictures, and count them.

    Their number is the score of a candidate in re-ranking; no geometry is checked, neither there nor here.
    """
    check_file_target(out)
    limits = read_picture_limits()
    for path in (query, candidate):
        check_header(path, limits, whole=preprocess.decodes_whole)
    chosen = choose_device(device).device
    paths = [resolve_weights(name) for name in (weights, against) if name is not None]
    networks = [load_network(path, num_heads) for path in paths]
    if features is None:
        features = next(kind for kind in kinds_of(networks[0]) if all(kind in kinds_of(each) for each in networks))
    for path, network in zip(paths, networks, strict=True):
        check_kind(network, features, str(path))
    named = [
        _NamedNetwork(
            STARTER if network.family == STARTER else path.name, network.to(chosen), network.preparation(preprocess)
        )
        for path, network in zip(paths, networks, strict=True)
    ]
    names = [path.name for path in (query, candidate)]
    if query.name == candidate.name:
        names = [f"{path.resolve().parent.name}/{path.name}" for path in (query, candidate)]
    preparation = named[0].preparation
    photos = (
        NamedPhoto(names[0], open_for(preparation, query, limits)),
        NamedPhoto(names[1], open_for(preparation, candidate, limits)),
    )
    panels = [_draw(photos, each, features) for each in named]
    save_png(contact_sheet([panel for panel, _ in panels]), out)
    console = output_console()
    for each, (_, pair) in zip(named, panels, strict=True):
        console.print(f"{each.name}: {_count(pair)}", soft_wrap=True, markup=False)
    console.print(str(out), soft_wrap=True, markup=False)


def _draw(
    photos: tuple[NamedPhoto, NamedPhoto], named: _NamedNetwork, kind: FeatureKind
) -> tuple[Image.Image, MatchedPair]:
    query, candidate = (
        feature_map(named.network, preprocess(named_photo.photo, named.preparation), kind) for named_photo in photos
    )
    pair = match(query, candidate, named.network.match_floor)
    rows, columns = query.grid.cells
    note = f"{kind} features, {rows} × {columns} cells of {query.values.shape[1]} channels"
    if named.network.match_floor is not None:
        note += f", cosine at least {named.network.match_floor:g}"
    if not named.network.is_trained:
        note += " · untrained network"
    return draw_matches(*photos, pair, f"{named.name}: {_count(pair)}", note), pair


def _count(pair: MatchedPair) -> str:
    return f"{len(pair)} mutual {'match' if len(pair) == 1 else 'matches'}"
