"""``placefix evaluate``: recall on a dataset, by the localizer that is served."""

import json
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from index_builder.build_options import BuildOptions
from index_builder.sources.read_options import ReadOptions
from model.errors import InvalidInput
from model.matching import MatchingPrecision
from model.network_precision import RequestedPrecision
from model.preprocess import Preprocessing
from model.recall import DEFAULT_RECALL_VALUES
from place_map.local_codec import StoreType
from placefix.commands.evaluate_options import (
    EvaluateCommand,
    check_of_a_map,
    check_preparation,
    check_sources,
    choose_truth,
    read_recall_values,
    read_rerank,
)
from placefix.commands.options import (
    NETWORK_PANEL,
    BatchSize,
    Device,
    Foreign,
    InputSize,
    NumHeads,
    OptionalWeights,
)
from placefix.commands.reading_options import with_read_options
from placefix.console import error_console
from placefix.drawings.plots import check_can_draw
from placefix.evaluation.confidence_plots import draw_confidence
from placefix.evaluation.differences import AnswerRecorder, Differences
from placefix.evaluation.judging import ConfidenceRecorder, read_judging
from placefix.evaluation.predictions import PredictionWriter, check_predictions_folder
from placefix.evaluation.published import (
    compare,
    find_row,
    other_conditions,
    read_published,
)
from placefix.evaluation.report import Settings, to_json, to_lines
from placefix.evaluation.run import Dataset, NetworkChoice, asking, open_localizer, read_dataset
from placefix.picture_limits import read_picture_limits
from service import evaluate as service_evaluate
from service.evaluate import EvaluationOptions, QueryResult
from service.localizer import Localizer

app = typer.Typer(add_completion=False)

_DEFAULTS = EvaluationOptions()
_CONFIDENCE_PANEL = "Confidence"


@app.command(cls=EvaluateCommand)
@with_read_options
def evaluate(
    queries: Annotated[
        list[Path],
        typer.Option(help="Queries: a folder or a list; repeat it for several cities.", show_default=False),
    ],
    database: Annotated[
        list[Path] | None,
        typer.Option(
            help="Database: a folder or a list, from which a temporary map is built. With --map and "
            "--frame-tolerance: the CSV file that has the frame numbers of the map's pictures.",
            show_default=False,
        ),
    ] = None,
    place_map: Annotated[
        Path | None, typer.Option("--map", help="A map, instead of a database.", show_default=False)
    ] = None,
    weights: OptionalWeights = None,
    num_heads: NumHeads = None,
    rerank: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto",
            help="Candidates to re-rank; 0 for none, auto until a calibrated map is sure. By default 100; with "
            "--confidence as many as were compared to calibrate the map; none if the network is untrained or has no "
            "local features.",
            show_default=False,
        ),
    ] = None,
    recalls: Annotated[str, typer.Option(metavar="N...", help="Each N of recall@N.")] = " ".join(
        map(str, DEFAULT_RECALL_VALUES)
    ),
    threshold_m: Annotated[
        float | None,
        typer.Option(
            help="A picture is right if it is at most this many metres away. By default 25.", show_default=False
        ),
    ] = None,
    heading_deg: Annotated[
        float | None,
        typer.Option(
            help="Also, its camera may be turned by at most this many degrees (40 for MSLS). By default any.",
            show_default=False,
        ),
    ] = None,
    frame_tolerance: Annotated[
        int | None,
        typer.Option(
            help="Instead of metres: a picture is right if it is at most this many frames away. For CSV files with a "
            "column frame or place_id.",
            show_default=False,
        ),
    ] = None,
    query_list: Annotated[
        Path | None,
        typer.Option(
            help="A file with the names of the queries that count, one in a line. By default all.", show_default=False
        ),
    ] = None,
    preprocess: Annotated[
        Preprocessing | None,
        typer.Option(help="How pictures are resized; official-eval for published recalls. By default antialias."),
    ] = None,
    input_size: InputSize = None,
    matching_precision: Annotated[
        MatchingPrecision, typer.Option(help="How mutual matches are counted; fast is how the server counts.")
    ] = "exact",
    network_precision: Annotated[
        RequestedPrecision,
        typer.Option(
            help="Precision of the network; auto takes the map's, and float32 for one that is built here.",
            rich_help_panel=NETWORK_PANEL,
        ),
    ] = "auto",
    store: Annotated[
        StoreType | None,
        typer.Option(help="The form of local features in the map that is built; float32 is exact. By default int8."),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            metavar="ROW",
            help="Compare with a published result. It also gives the options that are left out.",
            show_default=False,
        ),
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(help="A file of published results, instead of the one in Placefix.", show_default=False),
    ] = None,
    confidence: Annotated[
        bool,
        typer.Option(
            "--confidence",
            help="Also judge the confidences of a calibrated --map; by condition, if the list of queries has a column "
            "condition.",
            rich_help_panel=_CONFIDENCE_PANEL,
        ),
    ] = False,
    foreign: Foreign = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            help="A folder for plots as SVG: right answers over confidence, and wrong ones among the surest answers.",
            show_default=False,
            rich_help_panel=_CONFIDENCE_PANEL,
        ),
    ] = None,
    differences: Annotated[
        bool,
        typer.Option("--differences", help="Also build and ask a map of float32, and report the changes by rounding."),
    ] = False,
    predictions: Annotated[
        Path | None, typer.Option(help="A new folder for the candidates of each query.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    batch_size: BatchSize = _DEFAULTS.batch_size,
    device: Device = "auto",
    *,
    reading: ReadOptions,
) -> None:
    """Measure recall: ask all queries of a dataset, and count how often a right picture is among the first N.

    Queries without a right picture in the database count as misses, and their number is printed. If no query has a
    position, no recall can be computed: --predictions writes the candidates.
    """
    check_sources(place_map, database, store, frame_tolerance)
    if place_map is not None:
        check_of_a_map(num_heads, differences=differences)
    if not confidence and (foreign or plots is not None):
        raise InvalidInput("--foreign and --plots are about the confidence of answers: give --confidence, too")
    row = None if expect is None else find_row(read_published(published), expect)
    if plots is not None:
        check_can_draw()
    limits = read_picture_limits()
    judging = read_judging(place_map, queries, foreign or [], limits) if confidence else None
    if judging is None:
        truth = choose_truth(threshold_m, heading_deg, frame_tolerance, row)
    else:
        truth = judging.truth(threshold_m, heading_deg, frame_tolerance)
    values = read_recall_values(recalls, row)
    reranked, is_auto = read_rerank(rerank)
    if row is not None:
        reranked = row.rerank if reranked is None else reranked
        preprocess = Preprocessing.OFFICIAL_EVAL if preprocess is None and place_map is None else preprocess
    is_chosen = reranked is not None or is_auto
    if reranked is None:
        reranked = _DEFAULTS.rerank if judging is None else judging.compared
    options = EvaluationOptions(reranked, values, batch_size, limits, is_auto=is_auto)
    if predictions is not None:
        check_predictions_folder(predictions)
    dataset = read_dataset(
        queries,
        database or [],
        place_map,
        truth,
        query_list,
        reading,
        may_be_unlabelled=predictions is not None,
        preprocessing=preprocess,
        limits=limits,
    )
    if judging is not None and not dataset.has_query_positions:
        raise InvalidInput("--confidence needs queries whose positions on the Earth are known")
    if dataset.truth is None and (threshold_m is not None or heading_deg is not None):
        raise InvalidInput(
            "--threshold-m and --heading-deg define right answers, but the positions of these queries are unknown: "
            "leave both out"
        )
    _tell(dataset.left_out)
    if row is not None:
        _tell(row.check_counts(len(dataset.database), len(dataset.queries)))
    network = NetworkChoice(weights, num_heads, device, matching_precision, network_precision, input_size)
    with open_localizer(
        dataset, place_map, network, store or BuildOptions().store, preprocess, batch_size, limits
    ) as localizer:
        check_preparation(localizer.preparation, preprocess, input_size)
        if not is_chosen and not (localizer.encoder.is_trained and localizer.encoder.local_dim):
            options = replace(options, rerank=0)
        writer = None if predictions is None else _writer(predictions, localizer, dataset, options)
        recorder = AnswerRecorder()
        judged = None if judging is None else ConfidenceRecorder(judging, options)

        def keep(result: QueryResult) -> None:
            if writer is not None:
                writer.write(result)
            if differences:
                recorder.record(result)
            if judged is not None:
                judged.record(result)

        with writer or nullcontext(), asking() as progress:
            measured = service_evaluate.evaluate(localizer, dataset.queries, dataset.positives, options, progress, keep)
        if judged is not None:
            with asking() as progress:
                judged.ask_foreign(localizer, progress)
        settings = Settings.of(localizer, dataset.truth, options.rerank)
    if row is not None and dataset.truth is not None:
        _tell(other_conditions(row, settings))
    changed: Differences | None = None
    if differences:
        exact = AnswerRecorder()
        with (
            open_localizer(dataset, None, network, "float32", preprocess, batch_size, limits) as localizer,
            asking() as progress,
        ):
            service_evaluate.evaluate(localizer, dataset.queries, dataset.positives, options, progress, exact.record)
        changed = Differences.between(exact.answers, recorder.answers)
    comparison = None if row is None or measured.before is None else compare(row, measured)
    groups = None if judged is None else judged.trust()
    summary = to_json(measured, settings, comparison, changed, groups)
    if groups is not None and plots is not None:
        _tell(f"drawn: {file}" for file in draw_confidence(groups, plots))
    if writer is not None:
        _tell(writer.finish(summary))
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
    else:
        typer.echo("\n".join(to_lines(measured, settings, dataset.truth, comparison, changed, groups)))


def _writer(folder: Path, localizer: Localizer, dataset: Dataset, options: EvaluationOptions) -> PredictionWriter:
    return PredictionWriter(
        folder,
        localizer.place_map,
        dataset.queries,
        reranks=options.rerank > 0,
        has_query_positions=dataset.has_query_positions,
        has_database_positions=dataset.has_database_positions,
    )


def _tell(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        error_console().print(sentence, soft_wrap=True, markup=False)
