"""Read the options of ``placefix evaluate``: numbers, words, and which of them go together."""

from pathlib import Path
from typing import Any

from model.errors import InvalidInput
from model.preprocess import Preparation, Preprocessing
from model.recall import DEFAULT_THRESHOLD_M
from place_map.local_codec import StoreType
from placefix.commands.renamed_options import RenamingCommand
from placefix.evaluation.published import PublishedRow
from placefix.evaluation.truth import NearbyTruth


class EvaluateCommand(RenamingCommand):
    """Accept ``--recalls 1 5 10 20``, as the field's evaluators do, beside ``--recalls 1,5,10,20``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Join the numbers behind ``--recalls``."""
        joined: list[str] = []
        for position, arg in enumerate(args):
            is_value = bool(joined) and arg.isdecimal() and _opens_recalls(args, position)
            if is_value and joined[-1] != "--recalls":
                joined[-1] += f",{arg}"
            else:
                joined.append(arg)
        return super().parse_args(ctx, joined)


def _opens_recalls(args: list[str], position: int) -> bool:
    """Return whether there are only numbers between ``--recalls`` and a position."""
    while position > 0 and args[position - 1].isdecimal():
        position -= 1
    return position > 0 and args[position - 1] == "--recalls"


def check_preparation(
    preparation: Preparation, preprocess: Preprocessing | None, input_size: tuple[int, int] | None
) -> None:
    """Make sure that a map's pictures were prepared as was asked for."""
    if preprocess not in (None, preparation.preprocessing):
        raise InvalidInput(
            f"the map was built with --preprocess {preparation.preprocessing}, not {preprocess}: leave the option out, "
            "or build a map with it"
        )
    if input_size not in (None, preparation.size):
        height, width = preparation.size
        raise InvalidInput(
            f"the map was built with --input-size {height}x{width}: leave the option out, or build a map with another"
        )


def check_sources(
    place_map: Path | None,
    database: list[Path] | None,
    store: StoreType | None,
    frame_tolerance: int | None,
) -> None:
    """Ensure that there is one map or database to search, and that the options about it apply.

    Raises:
        InvalidInput: There is none, or two, or an option that does not apply.
    """
    if place_map is None:
        if not database:
            raise InvalidInput("there is nothing to search: give --map MAP, or --database DIR")
    elif store is not None:
        raise InvalidInput("--store is for maps that are built here, and a given map has its own store: leave it out")
    elif database and frame_tolerance is None:
        raise InvalidInput("--map and --database are two databases: give one of them")
    elif frame_tolerance is not None and not database:
        raise InvalidInput(
            "a map does not keep frame numbers: give the CSV file that it was built from as --database, too"
        )


def check_of_a_map(num_heads: int | None, *, differences: bool) -> None:
    """Ensure that options for maps which are built here are not given with a map.

    Raises:
        InvalidInput: One of them is given.
    """
    if differences:
        raise InvalidInput("--differences builds maps of both kinds: give --database instead of --map")
    if num_heads is not None:
        raise InvalidInput("--num-heads has no effect with --map, which states the heads of its network: leave it out")


def choose_truth(
    threshold_m: float | None, heading_deg: float | None, frame_tolerance: int | None, row: PublishedRow | None
) -> NearbyTruth | int:
    """Return the definition of a right answer: nearness, or a tolerance in frames, by default of a published row.

    Raises:
        InvalidInput: Both are given.
    """
    if frame_tolerance is not None:
        if threshold_m is not None or heading_deg is not None:
            raise InvalidInput(
                "--frame-tolerance excludes --threshold-m and --heading-deg: an answer is right by frames, or by metres"
            )
        return frame_tolerance
    if threshold_m is None and heading_deg is None and row is not None:
        if row.frame_tolerance is not None:
            return row.frame_tolerance
        return NearbyTruth(DEFAULT_THRESHOLD_M if row.threshold_m is None else row.threshold_m, row.heading_deg)
    return NearbyTruth(DEFAULT_THRESHOLD_M if threshold_m is None else threshold_m, heading_deg)


def read_rerank(text: str | None) -> tuple[int | None, bool]:
    """Return how many candidates are re-ranked, None where nothing is said, and whether until the map is sure."""
    if text is None or text == "auto":
        return None, text == "auto"
    if not text.isdecimal():
        raise InvalidInput(f"--rerank takes a number of candidates, 0 for none, or auto, not {text!r}")
    return int(text), False


def read_recall_values(text: str, row: PublishedRow | None) -> tuple[int, ...]:
    """Return the requested values, and the values of a published row."""
    try:
        values = {int(value) for value in text.replace(",", " ").split()}
    except ValueError as error:
        raise InvalidInput(f"--recalls takes whole numbers, as in --recalls 1 5 10 20, not {text!r}") from error
    if row is not None:
        values |= row.before.keys() | row.after.keys()
    return tuple(sorted(values))
