"""Files of answers with a row for each photo: CSV, Parquet, and JSON Lines with the whole answer."""

import csv
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from placefix.answers.outcome import COLUMNS, Outcome

_ROWS_AT_A_TIME = 10_000
_TYPES: Mapping[type, pa.DataType] = {str: pa.string(), float: pa.float64(), int: pa.int64()}


def write_csv(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write a table; unknown values are empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        rows.writerows(outcome.row() for outcome in outcomes)


def write_parquet(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write a table; unknown values are null."""
    schema = pa.schema([pa.field(name, _TYPES[kind]) for name, kind in COLUMNS.items()])
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        rows = (outcome.row() for outcome in outcomes)
        while some := list(islice(rows, _ROWS_AT_A_TIME)):
            file.write_table(pa.Table.from_pylist(some, schema=schema))


def write_json_lines(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write each answer as the server gives it, with all candidates and the evidence, one a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{outcome.to_json()}\n" for outcome in outcomes)
