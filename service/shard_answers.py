"""Write and read the answers of a shard to a front end: tensors in safetensors, as they are in memory."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as of_arrays
from safetensors import torch as of_tensors
from torch import Tensor

from place_map.proposals import Proposals
from place_map.searching import most_proposals
from service.errors import MalformedBody
from service.matches import MatchedCells
from service.shard_messages import check_features, first_line, read_rows
from service.shortlist import ProposedShortlist
from service.words import MOST_PAIRS


def pack_shortlist(found: ProposedShortlist) -> bytes:
    """Return the body of an answer."""
    return _saved(
        {
            f"{part}.{name}": values
            for part, proposals in (("answers", found.answers), ("rivals", found.rivals))
            for name, values in (
                ("rows", proposals.rows),
                ("code_distances", proposals.code_distances),
                ("distances", proposals.distances),
                ("most", np.array([proposals.most], np.int64)),
            )
        }
    )


def unpack_shortlist(body: bytes, shortlist: int) -> ProposedShortlist:
    """Read the proposals for a shortlist of some length.

    Raises:
        MalformedBody: The body does not hold them.
    """
    tensors = _load(body)
    try:
        answers, rivals = (_proposals(tensors, part, shortlist) for part in ("answers", "rivals"))
    except KeyError as error:
        raise MalformedBody(f"the answer has no {error}") from error
    return ProposedShortlist(answers, rivals)


def pack_comparisons(parts: NDArray[np.float64]) -> bytes:
    """Return the body of an answer."""
    return _saved({"parts": parts})


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
    return _saved(
        {
            f"{number}.{name}": values
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


def _proposals(tensors: Mapping[str, Tensor], part: str, shortlist: int) -> Proposals:
    most = read_rows(tensors[f"{part}.most"], 1)
    rows = read_rows(tensors[f"{part}.rows"], most_proposals(shortlist))
    code_distances = _distances(tensors[f"{part}.code_distances"])
    distances = _distances(tensors[f"{part}.distances"])
    found = Proposals(rows, code_distances, distances, int(most[0]) if len(most) else -1)
    if not len(rows) == len(found.code_distances) == len(found.distances) <= found.most <= most_proposals(shortlist):
        raise MalformedBody("the answer has more rows than distances, or fewer, or more than it may propose")
    return found


def _saved(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as a body. The library writes the memory of an array as it lies, and ignores its strides."""
    return of_arrays.save({name: np.ascontiguousarray(values) for name, values in arrays.items()})


def _load(body: bytes) -> dict[str, Tensor]:
    try:
        return of_tensors.load(body)
    except SafetensorError as error:
        raise MalformedBody(f"the answer cannot be read: {first_line(error)}") from error


def _distances(values: Tensor) -> NDArray[np.float32]:
    found: NDArray[np.float32] = check_features(values, (-1,)).numpy()
    if found.dtype != np.float32:
        raise MalformedBody(f"distances must be float32, not {found.dtype}")
    return found
