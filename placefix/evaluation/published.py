"""Published results to compare with, from ``published.toml`` beside this file."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError, field_validator

from model.errors import InvalidInput
from model.preprocess import Preprocessing
from placefix.evaluation.report import Settings
from service.evaluate import Evaluation

_SHIPPED = "published.toml"


class PublishedRow(BaseModel):
    """Hold a row of a published table and the conditions of its measurement; None means unknown.

    Attributes:
        dataset: The name of the dataset, for people.
        source: The publication.
        table: Number of the table in the paper.
        weights: The name of the released checkpoint.
        database: Pictures in the database.
        queries: Number of queries.
        rerank: Candidates re-ranked.
        threshold_m: The value of ``--threshold-m``.
        heading_deg: The value of ``--heading-deg``.
        frame_tolerance: The value of ``--frame-tolerance``.
        before: N → recall@N in percent, by the global feature alone.
        after: N → recall@N in percent, after re-ranking.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    source: str
    table: PositiveInt | None = None
    weights: str | None = None
    database: PositiveInt | None = None
    queries: PositiveInt | None = None
    rerank: NonNegativeInt
    threshold_m: float | None = None
    heading_deg: float | None = None
    frame_tolerance: NonNegativeInt | None = None
    before: dict[PositiveInt, float] = Field(default_factory=dict)
    after: dict[PositiveInt, float] = Field(default_factory=dict)

    @field_validator("before", "after")
    @classmethod
    def _is_percent(cls, recalls: dict[int, float]) -> dict[int, float]:
        if not all(0 <= recall <= 100 for recall in recalls.values()):
            raise ValueError("a recall is not in [0, 100] percent")
        return recalls

    def check_counts(self, database: int, queries: int) -> list[str]:
        """Check by its size that a dataset belongs to the row.

        Returns:
            Sentences about unknown numbers, for people.

        Raises:
            InvalidInput: The dataset has another number of pictures.
        """
        notes = []
        for name, found, published in (("database", database, self.database), ("queries", queries, self.queries)):
            if published is None:
                notes.append(f"the number of pictures of the {name} of {self.dataset} is not in the table: not checked")
            elif published != found:
                raise InvalidInput(
                    f"{self.dataset}: the published {name} has {published:,} pictures, and this one has {found:,}; "
                    "their recalls cannot be compared"
                )
        return notes


def other_conditions(row: PublishedRow, settings: Settings) -> list[str]:
    """Return the conditions that differ from the published result's, for people."""
    pairs = {
        "--rerank": (row.rerank, settings.rerank),
        "--threshold-m": (row.threshold_m, settings.threshold_m),
        "--heading-deg": (row.heading_deg, settings.heading_deg),
        "--frame-tolerance": (row.frame_tolerance, settings.frame_tolerance),
        "--preprocess": (Preprocessing.OFFICIAL_EVAL.value, settings.preprocessing),
    }
    return [
        f"published with {option} {published}, measured with {measured}"
        for option, (published, measured) in pairs.items()
        if published != measured
    ]


class Published(BaseModel):
    """Hold the content of the file: rows by name, and descriptions of the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: dict[str, str]
    rows: dict[str, PublishedRow]


def read_published(file: Path | None = None) -> Published:
    """Read a file of published results.

    Args:
        file: The file; None for the one in Placefix.

    Raises:
        InvalidInput: The file cannot be read, or does not have this form.
    """
    source = resources.files("placefix.evaluation") / _SHIPPED if file is None else file
    try:
        return Published.model_validate(tomllib.loads(source.read_text("utf-8")))
    except OSError as error:
        raise InvalidInput(f"the published results {source} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise InvalidInput(f"{source} is not a table of published results: {error}") from error


def find_row(published: Published, name: str) -> PublishedRow:
    """Return the row of a name.

    Raises:
        InvalidInput: No row has the name.
    """
    if name not in published.rows:
        near = get_close_matches(name, published.rows, n=1)
        meant = f"; is {near[0]} meant?" if near else ""
        raise InvalidInput(f"no published row is called {name!r}{meant} There are: {', '.join(published.rows)}")
    return published.rows[name]


def compare(row: PublishedRow, evaluation: Evaluation) -> dict[str, dict[str, dict[str, float]]]:
    """Compare measured recalls with published ones.

    Returns:
        ``before`` and ``after`` → ``R@N`` → ``published``, ``measured``, ``difference`` in percent points (measured
        minus published); values that were not published or not measured are absent.
    """
    measured_before: Mapping[int, float] = {} if evaluation.before is None else evaluation.before.percent
    measured_after: Mapping[int, float] = {} if evaluation.after is None else evaluation.after.percent
    return {
        stage: {
            f"R@{value}": {
                "published": published[value],
                "measured": measured[value],
                "difference": measured[value] - published[value],
            }
            for value in sorted(published)
            if value in measured
        }
        for stage, published, measured in (
            ("before", row.before, measured_before),
            ("after", row.after, measured_after),
        )
    }
