"""All answers of a map, asked once, so that repeated calibration and testing costs no comparisons."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.confidence.sets import MapSet
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from model.device import DeviceName
from model.images import DEFAULT_LIMITS
from model.progress import Progress
from place_map import layout
from place_map.calibration import DEFAULT_WITHIN_M
from place_map.global_index import open_searcher
from place_map.place_table import PlaceTable
from place_map.reader import PlaceMap
from placefix.calibration.answers import AnswerLog
from placefix.calibration.calibrate import what_is_asked
from placefix.calibration.questions import Asked, Asker, ask_foreign_photos, ask_own_pictures, ask_photos
from placefix.fresh_network import open_network
from placefix.progress import show_progress
from service.localizer import Localizer


@dataclass(frozen=True)
class Stored:
    """Hold the answers of a map.

    Attributes:
        name: The name of the map.
        places: The pictures of the map.
        within_m: The positive distance.
        own: Questions with its own pictures: ordinary and impossible ones.
        queries: Questions with photos of its places: ordinary and impossible ones.
        foreign: Questions with photos of other places.
    """

    name: str
    places: PlaceTable
    within_m: float
    own: tuple[Asked, ...]
    queries: tuple[Asked, ...]
    foreign: tuple[Asked, ...]


def ask_all(asked: MapSet, folder: Path, shortlist: int, device: DeviceName, *, own: bool = True) -> Stored:
    """Build a map and ask all questions; an existing map and answers are kept.

    Args:
        asked: The map and its photos.
        folder: The folder of the map and its answers.
        shortlist: The number of compared candidates for each question.
        device: The device of the work.
        own: Whether the map's own pictures are asked.

    Raises:
        PlacefixError: The network cannot be loaded, or a picture cannot be read.
    """
    with _localizer(asked, folder / asked.name, device) as localizer, show_progress(f"asking {asked.name}") as progress:
        places = localizer.place_map.places
        shortlist = min(shortlist, len(localizer.place_map))
        asker = Asker(
            localizer, shortlist, AnswerLog(folder / f"{asked.name}.jsonl", what_is_asked(localizer, shortlist))
        )
        pictures = len(localizer.place_map) if own else 0
        progress.started(pictures + len(asked.queries) + len(asked.foreign), 0)
        own_questions = ask_own_pictures(asker, pictures)
        queries = ask_photos(asker, asked.queries, DEFAULT_LIMITS, asked.conditions)
        foreign = ask_foreign_photos(asker, asked.foreign, DEFAULT_LIMITS)
        return Stored(
            asked.name,
            places,
            DEFAULT_WITHIN_M,
            *(tuple(_told(questions, progress)) for questions in (own_questions, queries, foreign)),
        )


@contextmanager
def _localizer(asked: MapSet, path: Path, device: DeviceName) -> Iterator[Localizer]:
    opened = open_network(asked.weights, device=device)
    if not (path / layout.CURRENT).is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with show_progress(f"building {asked.name}") as progress:
            options = BuildOptions(thumbnails=False)
            build_map(asked.database, opened.encoder, path, options, progress, weights_path=opened.weights_path)
    with PlaceMap.open(path) as place_map:
        yield Localizer(opened.encoder, place_map, open_searcher(place_map, opened.encoder.device))


def _told(questions: Iterable[Asked], progress: Progress) -> Iterator[Asked]:
    """Report every picture when its first question is answered."""
    before = None
    for each in questions:
        yield each
        progress.advanced(int(each.name != before))
        before = each.name
