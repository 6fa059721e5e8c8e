"""Write and read the questions of a front end to a shard: tensors in safetensors, the question in their header.

Numbers are sent as they are in memory, so that nothing is rounded on the way.
"""

import json
from collections.abc import Mapping
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
from service.prior import Prior
from service.query_options import MAX_SHORTLIST, QueryOptions
from service.shard_identity import ShardIdentity

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
        raise MalformedBody(f"the body is not a question of a front end: {first_line(error)}") from error
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


def first_line(error: Exception) -> str:
    """Return the first line of a library's complaint about a body."""
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
    return (str(error) or type(error).__name__).splitlines()[0]
