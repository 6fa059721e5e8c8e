"""The tables and plots of each document, and their figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.performance import load_tables, tables
from benchmarks.performance.cell_tables import cells_table
from benchmarks.performance.cluster_tables import cluster_build_table
from benchmarks.performance.confidence_plot import draw_confidences
from benchmarks.performance.confidence_tables import conditions_table, confidence_table, signals_table
from benchmarks.performance.floor_tables import floor_networks_table, floor_tables
from benchmarks.performance.gpu_tables import gpu_tables
from benchmarks.performance.large_map_table import large_map_table
from benchmarks.performance.load_plot import draw_load
from benchmarks.performance.markdown import Figures
from benchmarks.performance.match_plot import draw_match
from benchmarks.performance.outlier_tables import outliers_table
from benchmarks.performance.photograph_tables import photographs_table, starter_table
from benchmarks.performance.published import published_table
from benchmarks.performance.query_plot import draw_query
from benchmarks.performance.shortlist_plot import draw_shortlist
from benchmarks.performance.store_plot import draw_store
from benchmarks.performance.store_tables import store_recall_table, store_table
from benchmarks.performance.system_tables import golden_table, lines_table, quoted_systems_table, systems_table
from benchmarks.performance.together_tables import together_table
from benchmarks.systems.plot import draw_systems


@dataclass(frozen=True)
class Table:
    """Describe a table.

    Attributes:
        figures: Names of the files of figures, without suffix.
        make: A function of the figures in this order.
    """

    figures: tuple[str, ...]
    make: Callable[..., str]


@dataclass(frozen=True)
class Plot:
    """Describe a plot.

    Attributes:
        figures: Names of the files of figures, without suffix; missing ones are left out.
        draw: A function of name → figures, in this order, and of the file to write.
    """

    figures: tuple[str, ...]
    draw: Callable[[Mapping[str, Figures], Path], None]


DOCUMENTS: Mapping[str, Mapping[str, Table]] = {
    "docs/book/performance.md": {
        "query": Table(("query",), tables.query_table),
        "query_amx": Table(("query_amx",), tables.query_table),
        "query_amx_int8": Table(("query_amx_int8",), tables.query_table),
        "query_amx_block8": Table(("query_amx_block8",), tables.query_table),
        "published": Table(("query", "match"), published_table),
        "match": Table(("match",), tables.match_table),
        "match_amx": Table(("match_amx",), tables.match_table),
        "encode": Table(("encode",), tables.encode_table),
        "encode_amx": Table(("encode_amx",), tables.encode_table),
        "encode_town": Table(("encode_town",), tables.encode_recall_table),
        "encode_town_int8": Table(("encode_town_int8",), tables.encode_recall_table),
        "encode_gardenspoint_int8": Table(("encode_gardenspoint_int8",), tables.encode_recall_table),
        "gather": Table(("gather",), tables.gather_table),
        "shortlist": Table(("shortlist",), tables.shortlist_table),
        "shortlist-large": Table(("shortlist-large",), tables.shortlist_table),
        "large_map": Table(("large_map",), large_map_table),
        "build": Table(("build",), tables.build_table),
        "learn": Table(("learn",), tables.learn_table),
        "starter": Table(("starter",), starter_table),
        "gpu": Table(("gpu",), gpu_tables),
    },
    "docs/book/reliability.md": {
        "overload": Table(("overload",), load_tables.overload_table),
        "capacity": Table(("load",), load_tables.capacity_table),
        "load": Table(("load",), load_tables.load_table),
        "endurance": Table(("endurance",), load_tables.endurance_table),
        "cluster_build": Table(("cluster_build",), cluster_build_table),
    },
    "docs/book/results.md": {
        "photographs": Table(("photographs", "photographs_random"), photographs_table),
        "outliers": Table(("outliers",), outliers_table),
        "together_gardenspoint": Table(("together_gardenspoint",), together_table),
        "together_town": Table(("together_town",), together_table),
        "confidence": Table(("confidence",), confidence_table),
        "confidence_labelled": Table(("confidence_labelled",), confidence_table),
        "confidence_conditions": Table(("confidence",), conditions_table),
        "confidence_signals": Table(("confidence",), signals_table),
        "floor": Table(("floor",), floor_tables),
        "floor_networks": Table(("floor", "floor_seed1", "floor_seed2"), floor_networks_table),
        "store": Table(("store",), store_table),
        "store_gardenspoint_day": Table(("store_gardenspoint_day",), store_table),
        "store_gardenspoint_night": Table(("store_gardenspoint_night",), store_table),
        "store_penn": Table(("store_penn",), store_table),
        "store_learned": Table(("store_learned_day", "store_learned_night", "store_learned_penn"), store_recall_table),
        "store_learned_town": Table(
            ("store_learned_town", "store_learned_town_seed1", "store_learned_town_seed2"), store_recall_table
        ),
        "store_blocks_town": Table(("store_blocks_town",), store_table),
        "cells_photographs": Table(("cells_day", "cells_penn"), cells_table),
        "cells_town": Table(("cells_town",), cells_table),
    },
    "docs/systems.md": {
        "systems": Table(("systems",), systems_table),
        "systems_quoted": Table((), quoted_systems_table),
        "systems_golden": Table(("systems_golden",), golden_table),
        "systems_lines": Table(("systems_golden",), lines_table),
    },
}
"""Document → tables by the name of their mark."""

PLOTS: Mapping[str, Plot] = {
    "docs/images/results/systems.svg": Plot(
        ("systems",), lambda figures, out: draw_systems(figures["systems"]["systems"], out)
    ),
    "docs/images/results/confidence.svg": Plot(("confidence",), draw_confidences),
    "docs/images/reliability/load.svg": Plot(("load",), draw_load),
    "docs/images/performance/query.svg": Plot(("query",), draw_query),
    "docs/images/performance/match.svg": Plot(("match",), draw_match),
    "docs/images/performance/store.svg": Plot(
        ("store", "store_gardenspoint_day", "store_gardenspoint_night", "store_penn"), draw_store
    ),
    "docs/images/performance/shortlist.svg": Plot(("shortlist", "shortlist-large"), draw_shortlist),
}
"""File → plot."""
