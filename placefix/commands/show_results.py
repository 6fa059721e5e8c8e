"""``placefix show results``: queries, their candidates, and whether these are right."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from index_builder.sources.read_options import ReadOptions
from model.errors import InvalidInput
from model.picture_errors import ImageError
from model.recall import DEFAULT_THRESHOLD_M
from placefix.asking import AskedMap, opened_map, read_settings
from placefix.commands.options import (
    AskedMapPath,
    OptionalWeights,
    SetDevice,
    SettingsFile,
)
from placefix.commands.reading_options import with_read_options
from placefix.console import error_console, output_console, print_note
from placefix.drawings.answers import answer
from placefix.drawings.canvas import check_folder_target, contact_sheet, numbered_name, save_png
from placefix.drawings.queries import Query, read_queries
from placefix.drawings.results import ShownResult, draw_result, draw_sheet
from placefix.progress import show_progress
from placefix.wording import count
from service.query_options import MAX_SHORTLIST
from service.words import Rerank

ROWS_PER_SHEET = 8
MAX_CANDIDATES = 20
_UNREADABLE_NAMED = 5


class Only(StrEnum):
    """Select the answers to draw, by their first candidate."""

    ALL = "all"
    RIGHT = "right"
    WRONG = "wrong"


@with_read_options
def results(
    queries: Annotated[
        list[Path],
        typer.Option(help="A picture, a folder of pictures or a list of them; may be repeated.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="The folder for the pictures.", show_default=False)],
    place_map: AskedMapPath = None,
    settings_file: SettingsFile = None,
    weights: OptionalWeights = None,
    candidates: Annotated[int, typer.Option(min=1, max=MAX_CANDIDATES, help="Candidates to draw.")] = 5,
    shortlist: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_SHORTLIST, help="Candidates to re-rank. By default 100, and 20 where counting is slow."
        ),
    ] = None,
    rerank: Annotated[
        Rerank | None,
        typer.Option(
            help="Re-rank by local features: always, never, or auto: until the answer is sure. By default auto."
        ),
    ] = None,
    threshold_m: Annotated[
        float, typer.Option(min=0, help="Metres up to which a candidate is right.")
    ] = DEFAULT_THRESHOLD_M,
    only: Annotated[Only, typer.Option(help="Which answers to draw, by their first candidate.")] = Only.ALL,
    device: SetDevice = None,
    *,
    reading: ReadOptions,
) -> None:
    """Draw queries with their best candidates: framed in green if right, in red if wrong.

    A candidate is right if it was taken within [bold]--threshold-m[/bold] of the query. If the position of a query is
    unknown, its frames are grey. Writes a file for each query, and contact sheets.
    """
    check_folder_target(out)
    if not isfinite(threshold_m):
        raise InvalidInput(f"--threshold-m {threshold_m}: it must be a number")
    flags = {"maps": None if place_map is None else (place_map,), "weights": weights}
    settings = read_settings({**flags, "device": device}, settings_file, print_note)
    listing = read_queries(
        queries,
        reading,
        limits=settings.image_limits,
    )
    _tell_unreadable(listing.unreadable)
    with opened_map(settings) as opened:
        asked = opened.asking({"candidates": candidates, "shortlist": shortlist, "rerank": rerank})
        score = _draw_all(listing.queries, asked, threshold_m, only, out)
    console = output_console()
    console.print(f"{score}", markup=False, soft_wrap=True)
    drawn = f"{_plural(score.drawn, 'answer')} on {_plural(score.sheets, 'contact sheet')}"
    console.print(f"{out}: {drawn}", markup=False, soft_wrap=True)


@dataclass
class _Score:
    """Count first candidates while answers are drawn."""

    threshold_m: float
    right: int = 0
    wrong: int = 0
    unknown: int = 0
    drawn: int = 0
    sheets: int = 0

    def count(self, result: ShownResult) -> Only | None:
        """Count an answer, and return its verdict; None if it is unknown."""
        verdict = result.candidates[0].is_right if result.candidates else None
        self.right += verdict is True
        self.wrong += verdict is False
        self.unknown += verdict is None
        return None if verdict is None else Only.RIGHT if verdict else Only.WRONG

    def __str__(self) -> str:
        known = self.right + self.wrong
        if not known:
            return f"{_plural(self.unknown, 'query', 'queries')} of unknown position: nobody knows what is right"
        text = f"first candidate within {self.threshold_m:g} m: {self.right} of {known} queries"
        return text + (f"; {self.unknown} of unknown position" if self.unknown else "")


@dataclass
class _Sheets:
    """Collect rows, and write a sheet whenever there are enough; memory holds one sheet."""

    folder: Path
    title: str
    note: str
    written: int = 0
    _rows: list[Image.Image] = field(default_factory=list)

    def add(self, row: Image.Image) -> None:
        self._rows.append(row)
        if len(self._rows) == ROWS_PER_SHEET:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self.written += 1
            save_png(draw_sheet(self._rows, self.title, self.note), self.folder / f"sheet-{self.written:03d}.png")
            self._rows.clear()


def _draw_all(
    queries: Sequence[Query],
    asked: AskedMap,
    threshold_m: float,
    only: Only,
    out: Path,
) -> _Score:
    localizer = asked.localizer
    place_map = localizer.place_map
    is_reranked = localizer.rerank_for(asked.asked.options.rerank) != "never"
    reranker = place_map.manifest.features.reranker.replace("-", " ")
    order = f"re-ranked by {reranker}" if is_reranked else "ordered by global distance, not re-ranked"
    if not localizer.encoder.is_trained:
        order += " · untrained network"
    sheets = _Sheets(
        out,
        f"map {place_map.name}, version {place_map.version}: {count(len(place_map), 'picture')}",
        f"{order} · green: within {threshold_m:g} m of the query, red: farther, grey: not known",
    )
    score = _Score(threshold_m)
    with show_progress("asking") as progress:
        progress.started(len(queries), 0)
        for number, query in enumerate(queries, start=1):
            try:
                result = answer(query, asked, threshold_m)
            except ImageError as error:  # its header was in order
                progress.message(f"left out: {error.message}")
            else:
                if score.count(result) is only or only is Only.ALL:
                    row = draw_result(result)
                    save_png(contact_sheet([row]), out / numbered_name(number, query.name))
                    sheets.add(row)
                    score.drawn += 1
            progress.advanced(1)
    sheets.flush()
    score.sheets = sheets.written
    return score


def _plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _tell_unreadable(unreadable: Sequence[str]) -> None:
    console = error_console()
    for reason in unreadable[:_UNREADABLE_NAMED]:
        console.print(f"left out: {reason}", markup=False, soft_wrap=True)
    if len(unreadable) > _UNREADABLE_NAMED:
        console.print(f"left out: {len(unreadable) - _UNREADABLE_NAMED} more", markup=False, soft_wrap=True)
