"""Predictions on the disk: the candidates of each query, for people, for other programs and for benchmarks.

::

    DIR/queries/000000.json       per query: candidates with both ranks, distances, match counts, metres, coordinates
       /pairs_before.txt          ``query database`` in each line, by global distance: hloc's format of pairs
       /pairs_after.txt           the same after re-ranking
       /msls_challenge.csv        a query's key and the keys found for it: the format of the MSLS challenge
       /summary.json              the output of the command with --json
"""

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from index_builder.sources.kinds import LIST_SUFFIXES
from index_builder.sources.query_list import key_of
from model.errors import InvalidInput, StorageError
from model.geo import distance_m
from model.places import Place
from place_map.manifest import SourceHint
from place_map.reader import PlaceMap
from service.evaluate import QueryResult
from service.localization import Candidate

SUMMARY = "summary.json"
_QUERIES = "queries"
_PAIRS_BEFORE, _PAIRS_AFTER = "pairs_before.txt", "pairs_after.txt"
_CHALLENGE = "msls_challenge.csv"


def check_predictions_folder(folder: Path) -> None:
    """Ensure, before the work, that predictions can be written to a folder.

    Raises:
        InvalidInput: The folder is not empty.
        StorageError: The folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InvalidInput(f"{folder} is not empty: predictions are not mixed with other files; give a new folder")
    except OSError as error:
        raise StorageError(f"predictions cannot be written to {folder}: {error.strerror}") from error


class PredictionWriter:
    """Write the results of an evaluation one by one.

    The files of pairs name pictures by their paths below ``images_root``, the folder that all pictures have in common.
    Blanks separate the names. If a name contains a blank, ``blank_name`` is this name, and the files of pairs are not
    written.

    Args:
        folder: An empty folder.
        place_map: The map of the candidates.
        queries: The queries.
        reranks: Whether there are results after re-ranking.
        has_query_positions: Whether the positions of the queries are known.
        has_database_positions: Whether the positions of the map are known. Metres are written only if both are known.
    """

    def __init__(
        self,
        folder: Path,
        place_map: PlaceMap,
        queries: Sequence[Place],
        *,
        reranks: bool,
        has_query_positions: bool,
        has_database_positions: bool,
    ) -> None:
        self._folder = folder
        self._has_query_positions = has_query_positions
        self._has_database_positions = has_database_positions
        self._map = place_map
        folders = {query.path.absolute().parent for query in queries}
        folders |= {_folder_of(source) for source in place_map.manifest.sources}
        self.images_root = Path(os.path.commonpath(folders))
        self.blank_name = self._find_blank_name(queries)
        self._stack = ExitStack()
        (folder / _QUERIES).mkdir()
        if self.blank_name is None:
            self._before = self._open(_PAIRS_BEFORE)
            self._after = self._open(_PAIRS_AFTER) if reranks else None
            self._challenge = self._open(_CHALLENGE)
            self._challenge.write("# query, then its candidates, best first\n")

    def write(self, result: QueryResult) -> None:
        """Write the result of one query.

        Raises:
            StorageError: A file cannot be written.
        """
        try:
            path = self._folder / _QUERIES / f"{result.number:06d}.json"
            path.write_text(json.dumps(self._query_json(result), ensure_ascii=False, indent=1) + "\n", "utf-8")
            if self.blank_name is None:
                self._write_lists(result)
        except OSError as error:
            raise StorageError(f"predictions cannot be written to {self._folder}: {error.strerror}") from error

    def finish(self, summary: dict[str, Any]) -> list[str]:
        """Write the summary.

        Returns:
            A sentence about files that were not written, if there are any.

        Raises:
            StorageError: The file cannot be written.
        """
        try:
            text = json.dumps(summary | {"images_root": str(self.images_root)}, ensure_ascii=False, indent=2)
            (self._folder / SUMMARY).write_text(text + "\n", "utf-8")
        except OSError as error:
            raise StorageError(f"predictions cannot be written to {self._folder}: {error.strerror}") from error
        if self.blank_name is None:
            return []
        return [
            "no pairs and no challenge file were written: blanks separate names in them, and "
            f"{self.blank_name!r} contains one"
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _open(self, name: str) -> TextIO:
        return self._stack.enter_context((self._folder / name).open("x", encoding="utf-8"))

    def _find_blank_name(self, queries: Sequence[Place]) -> str | None:
        paths = (self._place_of(row).path for row in range(len(self._map)))
        names = (self._name(path) for path in (*(query.path for query in queries), *paths))
        return next((name for name in names if any(character.isspace() for character in name)), None)

    def _write_lists(self, result: QueryResult) -> None:
        self._write_pairs(self._before, result.query, result.before)
        if self._after is not None and result.after is not None:
            self._write_pairs(self._after, result.query, result.after)
        keys = dict.fromkeys(key_of(self._place_of(candidate.row)) for candidate in result.final)
        self._challenge.write(" ".join([key_of(result.query), *keys]) + "\n")

    def _write_pairs(self, file: TextIO, query: Place, candidates: tuple[Candidate, ...]) -> None:
        name = self._name(query.path)
        file.writelines(f"{name} {self._name(self._place_of(candidate.row).path)}\n" for candidate in candidates)

    def _name(self, path: Path) -> str:
        return Path(os.path.relpath(path, self.images_root)).as_posix()

    def _place_of(self, row: int) -> Place:
        record = self._map.places[row]
        return Place(record.id, _folder_of(self._map.source_of(row)) / record.source_path, record.position)

    def _query_json(self, result: QueryResult) -> dict[str, Any]:
        rank_before = {candidate.row: rank for rank, candidate in enumerate(result.before, start=1)}
        right = None if result.positives is None else result.positives.tolist()
        return {
            "query": {
                "id": result.query.id,
                "path": str(result.query.path),
                **_position_json(result.query, is_known=self._has_query_positions),
            },
            "positives": None if right is None else [self._map.places[row].id for row in right],
            "candidates": [
                {
                    "rank": rank,
                    "rank_before": rank_before[candidate.row],
                    "id": candidate.id,
                    "is_positive": None if right is None else candidate.row in right,
                    "global_distance": candidate.global_distance,
                    "mutual_matches": candidate.mutual_matches,
                    "score": candidate.score,
                    "distance_m": round(distance_m(result.query.position, candidate.position), 3)
                    if self._has_query_positions and self._has_database_positions
                    else None,
                    **_position_json(candidate, is_known=self._has_database_positions),
                }
                for rank, candidate in enumerate(result.final, start=1)
            ],
        }


def _position_json(of: Place | Candidate, *, is_known: bool) -> dict[str, float | None]:
    return {
        "latitude": of.position.latitude if is_known else None,
        "longitude": of.position.longitude if is_known else None,
        "heading_deg": of.heading_deg,
    }


def _folder_of(source: SourceHint) -> Path:
    """Return the folder of the pictures of a source, by its name only, because the pictures may be gone."""
    path = Path(source.path).absolute()
    return path.parent if path.suffix.lower() in LIST_SUFFIXES else path
