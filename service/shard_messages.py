"""Write and read the bytes between a front end and a shard: tensors in safetensors, the question in their header.

Numbers are sent as they are in memory, so that nothing is rounded on the way.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

from model.errors import InvalidInput
from service.errors import MalformedBody
from service.matches import MatchedCells
from service.prior import Prior
from service.query_options import MAX_SHORTLIST, QueryOptions
from service.shard_identity import ShardIdentity
from service.shortlist import Nearest, Shortlist
from service.words import MOST_PAIRS

MEDIA_TYPE = "application/vnd.placefix.shard"

SHORTLIST_PATH = "/shard/shortlist"
COMPARE_PATH = "/shard/compare"
MATCH_PATH = "/shard/match"

_QUESTION = "question"
_FEATURE_TYPES = (torch.float32, torch.float16, torch.bfloat16)
_LENGTH_BYTES = 8  # before the header; they hold its length


@dataclass(frozen=True)
class Question:
    """Ask a shard, beside the tensors.

    Attributes:
        identity: The identity that the shard must have.
        limit_s: The seconds for which the front end waits.
        shortlist: The number of candidates; 0 in a question for comparisons.
        prior: The prior of the photo; None without one.
    """

    identity: ShardIdentity
    limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    shortlist: int = 0
    prior: Prior | None = None

    @property
    def options(self) -> QueryOptions:
        """Return the options of a shortlist.

        Raises:
            MalformedBody: The number is out of its range.
        """
        try:
            return QueryOptions(1, self.shortlist, "never", prior=self.prior)
        except InvalidInput as error:
            raise MalformedBody(error.message) from error


_QUESTIONS = TypeAdapter(Question)


def pack_question(question: Question, tensors: Mapping[str, Tensor]) -> bytes:
    """Return the body of a call."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return safetensors.save(plain, {_QUESTION: _QUESTIONS.dump_json(question).decode()})


def unpack_question(body: bytes, names: frozenset[str]) -> tuple[Question, dict[str, Tensor]]:
    """Read the body of a call.

    Args:
        body: The bytes that were sent.
        names: The names of the tensors that it must have.

    Raises:
        MalformedBody: The body is not a question.
    """
    try:
        tensors = safetensors.load(body)
        header = body[_LENGTH_BYTES : _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "little")]
        question = _QUESTIONS.validate_json(json.loads(header)["__metadata__"][_QUESTION])
    except (SafetensorError, ValueError, KeyError, TypeError, InvalidInput) as error:
        raise MalformedBody(f"the body is not a question of a front end: {_first_line(error)}") from error
    if tensors.keys() != names:
        raise MalformedBody(f"the body has the tensors {sorted(tensors)}, and not {sorted(names)}")
    return question, tensors


def check_features(features: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return features that must belong to one query.

    Args:
        features: The tensor that was sent.
        shape: The shape that it must have; -1 for any length.

    Raises:
        MalformedBody: The features have another shape or type, or values that are not finite or too large to compare.
    """
    fits = features.ndim == len(shape) and all(
        wanted in (-1, length) for wanted, length in zip(shape, features.shape, strict=True)
    )
    if not fits or features.dtype not in _FEATURE_TYPES or not bool(features.float().square().sum().isfinite()):
        raise MalformedBody(
            f"features must be finite numbers {shape} whose squares can be added, not {features.dtype} "
            f"{tuple(features.shape)}"
        )
    return features


def read_rows(rows: Tensor, most: float = MAX_SHORTLIST) -> NDArray[np.int64]:
    """Return rows as an array.

    Raises:
        MalformedBody: The tensor does not hold rows, or holds more than ``most``.
    """
    if rows.dtype != torch.int64 or rows.ndim != 1 or len(rows) > most:
        raise MalformedBody(f"rows must be whole numbers, at most {most}, not {rows.dtype} {tuple(rows.shape)}")
    found: NDArray[np.int64] = rows.numpy()
    return found


def pack_shortlist(found: Shortlist) -> bytes:
    """Return the body of an answer."""
    return safetensors.save(
        {
            f"{part}.{name}": torch.from_numpy(values)
            for part, nearest in (("answers", found.answers), ("rivals", found.rivals))
            for name, values in (("rows", nearest.rows), ("distances", nearest.distances))
        }
    )


def unpack_shortlist(body: bytes, most: int) -> Shortlist:
    """Read an answer with at most ``most`` candidates.

    Raises:
        MalformedBody: The body is not a shortlist.
    """
    tensors = _load(body)
    try:
        answers, rivals = (
            Nearest(read_rows(tensors[f"{part}.rows"], most), _distances(tensors[f"{part}.distances"]))
            for part in ("answers", "rivals")
        )
    except KeyError as error:
        raise MalformedBody(f"the answer has no {error}") from error
    if any(len(each.rows) != len(each.distances) for each in (answers, rivals)):
        raise MalformedBody("the answer has more rows than distances, or fewer")
    return Shortlist(answers, rivals)


def pack_comparisons(parts: NDArray[np.float64]) -> bytes:
    """Return the body of an answer."""
    return safetensors.save({"parts": torch.from_numpy(parts)})


def unpack_comparisons(body: bytes, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Read the comparisons of some pictures.

    Args:
        body: The bytes of the answer.
        shape: The number of pictures, and ``Reranker.parts``.

    Raises:
        MalformedBody: The answer does not hold these comparisons.
    """
    parts = _load(body).get("parts", torch.empty(0))
    if parts.shape != shape or parts.dtype != torch.float64 or not bool(parts.isfinite().all()):
        raise MalformedBody(
            f"the answer has {parts.dtype} {tuple(parts.shape)} for {shape[0]} comparisons of {shape[1]} finite numbers"
        )
    found: NDArray[np.float64] = parts.numpy()
    return found


def pack_matches(matched: Sequence[MatchedCells] | None) -> bytes:
    """Return the body of an answer; it is without tensors if the re-ranker does not compare by pairs of cells."""
    return safetensors.save(
        {
            f"{number}.{name}": torch.from_numpy(values)
            for number, cells in enumerate(matched or ())
            for name, values in (
                ("count", np.array([cells.count], np.int64)),
                ("query_cells", cells.query_cells),
                ("candidate_cells", cells.candidate_cells),
                ("similarities", cells.similarities),
            )
        }
    )


def unpack_matches(body: bytes, pictures: int, cells: int) -> list[MatchedCells] | None:
    """Read the pairs of cells of some pictures.

    Args:
        body: The bytes of the answer.
        pictures: The number of pictures.
        cells: The number of cells of a picture.

    Raises:
        MalformedBody: The answer does not hold these pairs.
    """
    tensors = _load(body)
    if not tensors:
        return None
    try:
        return [_matched_cells(tensors, str(number), cells) for number in range(pictures)]
    except KeyError as error:
        raise MalformedBody(f"the answer has no {error}") from error


def _matched_cells(tensors: Mapping[str, Tensor], picture: str, cells: int) -> MatchedCells:
    counts = read_rows(tensors[f"{picture}.count"], 1)
    query, candidate = (
        read_rows(tensors[f"{picture}.{side}"], MOST_PAIRS) for side in ("query_cells", "candidate_cells")
    )
    values = tensors[f"{picture}.similarities"]
    is_whole = len(counts) == 1 and len(query) == len(candidate) == values.numel() <= counts[0]
    is_inside = all(bool(((side >= 0) & (side < cells)).all()) for side in (query, candidate))
    are_cosines = values.ndim == 1 and values.dtype == torch.float64 and bool(values.isfinite().all())
    if not is_whole or not is_inside or not are_cosines:
        raise MalformedBody(f"the answer has pairs of cells that are not of pictures with {cells} cells")
    similarities: NDArray[np.float64] = values.numpy()
    return MatchedCells(int(counts[0]), query, candidate, similarities)


def _load(body: bytes) -> dict[str, Tensor]:
    try:
        return safetensors.load(body)
    except SafetensorError as error:
        raise MalformedBody(f"the answer cannot be read: {_first_line(error)}") from error


def _distances(values: Tensor) -> NDArray[np.float32]:
    found: NDArray[np.float32] = check_features(values, (-1,)).numpy()
    if found.dtype != np.float32:
        raise MalformedBody(f"distances must be float32, not {found.dtype}")
    return found


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
    return (str(error) or type(error).__name__).splitlines()[0]
