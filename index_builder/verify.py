"""The check that a map is unchanged, and that it works."""

import time
from dataclasses import dataclass
from pathlib import Path

from index_builder.self_search import check_reencoded, check_stored, sample_rows
from model.encoder import Encoder
from model.errors import InvalidInput
from model.images import DEFAULT_LIMITS, ImageLimits
from model.progress import SILENT, Progress
from place_map.checks.contents import check_contents
from place_map.checks.files import check_files
from place_map.checks.problem import Problem, ProblemKind
from place_map.errors import MapCorrupt
from place_map.reader import PlaceMap

DEFAULT_SAMPLE = 20


@dataclass(frozen=True)
class VerifyReport:
    """Hold the result of a check.

    Attributes:
        path: The map.
        version: The version that ``CURRENT`` names; None if it cannot be read.
        versions: All checked versions, the oldest first.
        problems: The problems; empty for a good map.
        notes: Facts that are worth knowing and are not problems.
        files: Number of files that were read completely.
        bytes: Bytes of these files.
        pictures: Pictures in the map.
        sampled: Pictures that were searched for by their stored features.
        reencoded: Pictures that were searched for by their files.
        duration_s: The duration of the check.
    """

    path: Path
    version: str | None
    versions: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    files: int
    bytes: int
    pictures: int
    sampled: int
    reencoded: int
    duration_s: float

    @property
    def is_good(self) -> bool:
        """Return whether there are no problems."""
        return not self.problems


def verify_map(
    path: Path,
    *,
    encoder: Encoder | None = None,
    sample: int = DEFAULT_SAMPLE,
    progress: Progress = SILENT,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> VerifyReport:
    """Check all versions of a map: every byte of every file, the content, and whether pictures find themselves.

    Each of the three steps runs only if the one before found no problem, because faiss does not survive every damaged
    index.

    Args:
        path: Directory of the map.
        encoder: An encoder; with it, the source pictures of the sample are encoded again if they still exist.
        sample: The number of pictures that must find themselves.
        progress: The display, which is advanced by bytes.
        limits: The limits on the size of the source pictures.

    Raises:
        MapNotFound: The directory does not exist.
        MapVersionUnsupported: A newer release wrote the map.
        NetworkMismatch: The map was made with another network than the encoder's.
        InvalidInput: The sample is negative.
    """
    if sample < 0:
        raise InvalidInput(f"a sample of {sample} pictures cannot be taken")
    started_s = time.perf_counter()
    files = check_files(path, progress)
    problems, notes = list(files.problems), list(files.notes)
    pictures = sampled = reencoded = 0
    if not problems:
        try:
            progress.message("checking tables, features and indexes")
            checked: set[str] = set()
            for version in files.versions:
                with PlaceMap.open(path, version) as place_map:
                    problems += check_contents(place_map, checked)
            with PlaceMap.open(path) as place_map:
                pictures = len(place_map)
                if not problems:
                    rows = sample_rows(place_map, sample)
                    sampled = len(rows)
                    progress.message(f"searching for {sampled} pictures")
                    problems += check_stored(place_map, rows)
                    if encoder is not None:
                        again = check_reencoded(place_map, rows, encoder, limits)
                        problems += again.problems
                        reencoded = again.encoded
                        if again.gone:
                            notes.append(
                                f"{again.gone} of {sampled} source pictures are not where they were any more "
                                f"({', '.join(source.path for source in place_map.manifest.sources)}), or have changed "
                                "since they were encoded"
                            )
                    if not place_map.manifest.network.is_trained:
                        notes.append("the network is untrained: re-ranking with this map means nothing")
        except MapCorrupt as error:
            problems.append(Problem(".", ProblemKind.STRUCTURE, error.message))
    return VerifyReport(
        path=path,
        version=files.manifest.version if files.manifest else None,
        versions=files.versions,
        problems=tuple(problems),
        notes=tuple(notes),
        files=files.files,
        bytes=files.bytes,
        pictures=pictures,
        sampled=sampled,
        reencoded=reencoded,
        duration_s=time.perf_counter() - started_s,
    )
