"""Whether a map is what was written, and whether it works."""

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
    """What was looked at, and what is wrong.

    Attributes:
        path: The map.
        version: The version that ``CURRENT`` names; None if that could not be told.
        versions: All versions that were looked at, the oldest first.
        problems: Empty for a good map.
        notes: What is no problem, and worth knowing.
        files: Number of files that were read, to the last byte.
        bytes: Of these.
        pictures: Pictures in the map.
        sampled: Of these, searched for by their stored features.
        reencoded: Of these, searched for by their files.
        duration_s: How long it took.
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
        """Whether nothing is wrong."""
        return not self.problems


def verify_map(
    path: Path,
    *,
    encoder: Encoder | None = None,
    sample: int = DEFAULT_SAMPLE,
    progress: Progress = SILENT,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> VerifyReport:
    """Checks all versions of a map: every byte of every file, what the files say, and whether pictures find themselves.

    Each of the three is done only if the one before found nothing: faiss does not survive every damaged index.

    Args:
        path: Directory of the map.
        encoder: With it, the source pictures of the sample are encoded again, where they still are.
        sample: How many pictures have to find themselves.
        progress: Told about bytes.
        limits: What the source pictures may be like.

    Raises:
        MapNotFound: There is no such directory.
        MapVersionUnsupported: Written by a newer release.
        NetworkMismatch: The map was made with another network than the encoder's.
        InvalidInput: A negative sample.
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
                                f"{again.gone} of {sampled} source pictures are not below "
                                f"{place_map.manifest.source.path} any more, or have changed since the map was built"
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
