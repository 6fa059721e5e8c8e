"""``python -m benchmarks calibration``: the reliability of confidences, on the town and on photographs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from benchmarks.confidence.figures import figures_of
from benchmarks.confidence.sets import TOWN, MapSet, read_photographs, read_town
from benchmarks.confidence.stored import Stored, ask_all
from benchmarks.confidence.trials import MODES, Trial, run_trial, split, whole
from benchmarks.hardware import describe_hardware
from benchmarks.photographs import COLLECTIONS
from benchmarks.result_file import write_result
from model.device import DeviceName
from model.errors import InvalidInput
from place_map.evidence import SIGNALS, Evidence, Ranking
from placefix.console import output_console
from placefix.progress import show_progress

MAP_ALONE, WITH_QUERIES = "the map alone", "half of the queries"

_SETS = (*(collection.folder for collection in COLLECTIONS), TOWN)


def calibration(
    shared: Annotated[
        Path | None,
        typer.Option(envvar="PLACEFIX_SHARED", help="The folder that contains data.", show_default=False),
    ] = None,
    town: Annotated[Path, typer.Option(help="The folder of the town's splits.")] = Path(".town/pictures"),
    answers: Annotated[
        Path, typer.Option(help="The folder of maps and answers, so that no question is asked twice.")
    ] = Path(".calibration"),
    only: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(_SETS)}; may be repeated.", show_default=False)
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Resamplings of calibration and test, on the town.")] = 20,
    queries_every: Annotated[int, typer.Option(min=1, help="Use every n-th query of the town.")] = 1,
    shortlist: Annotated[int, typer.Option(min=5, help="The number of compared candidates.")] = 100,
    own: Annotated[
        bool, typer.Option(help="Ask the map's own pictures too; without them, only labelled photos calibrate.")
    ] = True,
    device: DeviceName = "auto",
    out: Annotated[Path, typer.Option(help="The JSON file of the figures; its other figures are kept.")] = Path(
        "benchmarks/results/confidence.json"
    ),
) -> None:
    """Calibrate maps and test their confidence on other photos. After an interruption, the same command continues.

    Photographs are calibrated by the map alone. The town is calibrated by the map alone, and repeatedly with half of
    the queries; the other half is the test.
    """
    if unknown := set(only or ()) - set(_SETS):
        raise InvalidInput(f"--only {', '.join(sorted(unknown))}: the sets are {', '.join(_SETS)}")
    chosen = only or list(_SETS)
    if not own and chosen != [TOWN]:
        raise InvalidInput(f"--no-own calibrates with labelled photos alone, which only --only {TOWN} has")
    console = output_console()
    for each in _read(chosen, shared, town, queries_every):
        stored = ask_all(each, answers, shortlist, device, own=own)
        found = {
            "shortlist": shortlist,
            "hardware": describe_hardware(),
            **_measure(stored, trials if each.name == TOWN else 1),
        }
        for row in found["calibrations"]:
            console.print(_table(each.name, row))
        before = json.loads(out.read_text("utf-8"))["sets"] if out.is_file() else {}
        sets = before | {each.name: found}
        write_result(out, {"sets": {name: sets[name] for name in _SETS if name in sets}})


def _read(chosen: list[str], shared: Path | None, town: Path, every: int) -> Iterator[MapSet]:
    if any(name != TOWN for name in chosen):
        if shared is None:
            raise InvalidInput("PLACEFIX_SHARED is not set: give the folder that has data below it with --shared")
        yield from (each for each in read_photographs(shared) if each.name in chosen)
    if TOWN in chosen:
        yield read_town(town / "test", town / "val", every)


def _measure(stored: Stored, trials: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for calibrated, with_queries in ((MAP_ALONE, False), (WITH_QUERIES, True)):
        if (trials == 1 and with_queries) or not (with_queries or stored.own):
            continue
        splits = (
            [whole(stored)]
            if trials == 1
            else [split(stored, number, with_queries=with_queries) for number in range(trials)]
        )
        done: list[Trial] = []
        why_not = None
        with show_progress(f"calibrating {stored.name}") as progress:
            progress.started(len(splits), 0)
            for calibrating, testing in splits:
                trial = run_trial(stored, calibrating, testing)
                if isinstance(trial, str):
                    why_not = trial
                    break
                done.append(trial)
                progress.advanced(1)
        if why_not is not None:
            rows.append({"calibrated": calibrated, "why_not": why_not})
            continue
        rows += [
            {"calibrated": calibrated, "rerank": mode, **figures_of(done, mode, stored.within_m)} for mode in MODES
        ]
    asked = [each for each in stored.queries if each.kind == "query"]
    return {
        "pictures": len(stored.places),
        "queries": len(asked),
        "foreign": len(stored.foreign),
        "within_m": stored.within_m,
        "signals": _signals(stored),
        "calibrations": rows,
    }


def _signals(stored: Stored) -> dict[str, float]:
    """Return the AUROC of each signal alone: how well it separates right answers from wrong ones."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415  # takes a second

    values, is_right = [], []
    for each in (*(query for query in stored.queries if query.kind == "query"), *stored.foreign):
        ranking = Ranking.of(each.answer.rows, each.answer.distances, each.answer.scores)
        values.append(Evidence.of(ranking, stored.places, stored.within_m).signals)
        is_right.append(each.errors_m[each.answer.rows == ranking.rows[0]][0] <= stored.within_m)
    table = np.array(values)
    return {name: float(roc_auc_score(is_right, table[:, number])) for number, name in enumerate(SIGNALS)}


def _table(name: str, row: dict[str, Any]) -> Table:
    if "why_not" in row:
        return Table(title=f"{name}, {row['calibrated']}: {row['why_not']}")
    table = Table(
        title=f"{name}, {row['calibrated']}, rerank {row['rerank']}: {row['saved']:.1%} of the comparisons saved, "
        f"{row['saved_on_shards']:.1%} on shards",
        caption=f"mean [lowest, highest] of {row['trials']}; {row['kept']} kept the promise",
    )
    names = ("right", "auroc", "ece", "wrong_of_accepted", "right_accepted", "foreign_accepted")
    for heading in ("", *names, "radius 95 %"):
        table.add_column(heading, justify="right" if heading else "left")
    for group, found in row["groups"].items():
        spreads = [*(found[each] for each in names), found["radii"]["0.95"]]
        table.add_row(group, *("–" if each is None else _spread_text(each) for each in spreads))
    return table


def _spread_text(spread: dict[str, float]) -> str:
    text = f"{spread['mean']:.3f}"
    return text if spread["low"] == spread["high"] else f"{text} [{spread['low']:.3f}, {spread['high']:.3f}]"
