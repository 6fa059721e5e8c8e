"""The shipped calibration of the demo's map, made from rendered pictures that are not shipped.

The demo's map has too few pictures for a calibration, all from fair days. Therefore it also uses later visits to its
streets in all weathers, every second of those that are not shipped, and visits to streets of another split, which are
other places.
"""

from collections.abc import Sequence
from pathlib import Path

from demo.choice import Row
from demo.rendering.render import ShowProgress, read_table
from demo.shipped import ShippedTown
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.errors import InvalidInput
from model.geo import LatLon
from model.places import Place
from model.weights import load_network
from place_map.global_index import open_searcher
from place_map.layout import FIRST_NUMBER
from place_map.reader import PlaceMap
from placefix.calibration.calibrate import CalibrationOptions, Outcome, calibrate
from service.localizer import Localizer
from service.query_options import DEFAULT_SHORTLIST

_EVERY_QUERY = 2
_EVERY_FOREIGN = 6


def calibrate_demo(rendered: Path, town: ShippedTown, work: Path, show_progress: ShowProgress) -> Outcome:
    """Calibrate the map of the shipped pictures, and write the calibration beside it; after an interruption, the next
    call continues.

    Args:
        rendered: The folder of the rendered splits ``test`` and ``val``.
        town: The shipped files.
        work: The folder of the temporary map, and of the answers until all are there.
        show_progress: The display of progress.

    Raises:
        InvalidInput: A split is missing.
        PlacefixError: The map cannot be built.
    """
    labelled, foreign = _rest_of_the_visits(rendered / "test", town), _table(rendered / "val")[::_EVERY_FOREIGN]
    encoder, map_dir = Encoder(load_network(town.weights)), work / "uncalibrated"
    with show_progress("encoding") as progress:
        build_map(read_source(town.database), encoder, map_dir, BuildOptions(thumbnails=False), progress)
    options = CalibrationOptions(
        queries=[_place(rendered / "test", row) for row in labelled],
        foreign=[_place(rendered / "val", row) for row in foreign],
        conditions={rendered / "test" / row["path"]: row["condition"] for row in labelled},
    )
    with PlaceMap.open(map_dir) as place_map, show_progress("calibrating") as progress:
        outcome = calibrate(
            Localizer(encoder, place_map, open_searcher(place_map, encoder.device)),
            options,
            map_version=FIRST_NUMBER,
            shortlist=DEFAULT_SHORTLIST,
            scratch=work,
            progress=progress,
        )
    if outcome.calibration is not None:
        town.calibration.write_bytes(outcome.calibration.to_json())
    return outcome


def _rest_of_the_visits(split: Path, town: ShippedTown) -> Sequence[Row]:
    """Return every second visit to the shipped streets that is not shipped."""
    shipped = read_table(town.query_list)
    streets, names = {row["street"] for row in shipped}, {row["path"] for row in shipped}
    rest = [row for row in _table(split) if row["street"] in streets and row["path"] not in names]
    return rest[::_EVERY_QUERY]


def _table(split: Path) -> Sequence[Row]:
    path = split / "queries.csv"
    if not path.is_file():
        raise InvalidInput(f"{path} is not there: python -m demo render --split {split.name} --out {split.parent}")
    return read_table(path)


def _place(split: Path, row: Row) -> Place:
    return Place(row["path"], split / row["path"], LatLon(float(row["latitude"]), float(row["longitude"])))
