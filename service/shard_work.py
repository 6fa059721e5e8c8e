"""Read a call of a front end as the step that a shard takes: a shortlist, comparisons, or matches."""

from collections.abc import Callable, Mapping

from torch import Tensor

from model.rerankers.reranker import LocalFeatures
from service.errors import UnexpectedShard
from service.map_shard import MapShard
from service.shard_answers import pack_comparisons, pack_matches, pack_shortlist
from service.shard_messages import (
    COMPARE_PATH,
    MATCH_PATH,
    SHORTLIST_PATH,
    Question,
    check_features,
    read_rows,
    unpack_question,
)
from service.words import MOST_MATCHED

IsWanted = Callable[[], bool]
Step = Callable[[MapShard, IsWanted], bytes]
"""A function that takes the step in a part of a map, and returns the body of the answer."""

_SHORTLIST_TENSORS = frozenset({"query", "without"})
_COMPARED_TENSORS = frozenset({"query", "extras", "rows"})


def read_call(path: str, body: bytes) -> tuple[Question, Step]:
    """Return the question of a call, and the step that answers it.

    Args:
        path: The path of the call.
        body: The body of the call.

    Raises:
        MalformedBody: The body is not a question of a front end; the step raises it, too.
    """
    return {SHORTLIST_PATH: _read_shortlist, COMPARE_PATH: _read_comparison, MATCH_PATH: _read_match}[path](body)


def check_identity(shard: MapShard, question: Question) -> None:
    """Pass if a part is exactly the one that the front end asks.

    Raises:
        UnexpectedShard: It differs; the error names the fields.
    """
    if (difference := shard.identity.difference(question.identity)) is not None:
        raise UnexpectedShard(f"this shard is another than the front end takes for granted: {difference}")


def _read_shortlist(body: bytes) -> tuple[Question, Step]:
    question, tensors = unpack_question(body, _SHORTLIST_TENSORS)
    options, without = question.options, read_rows(tensors["without"], float("inf"))

    def step(shard: MapShard, is_wanted: IsWanted) -> bytes:
        width = shard.localizer.place_map.manifest.features.global_dim
        vector = check_features(tensors["query"], (1, width))
        return pack_shortlist(shard.shortlist(vector, options, without, is_wanted))

    return question, step


def _read_comparison(body: bytes) -> tuple[Question, Step]:
    question, tensors = unpack_question(body, _COMPARED_TENSORS)
    rows = read_rows(tensors["rows"])

    def step(shard: MapShard, is_wanted: IsWanted) -> bytes:
        return pack_comparisons(shard.compare(_read_query(tensors, shard), rows, is_wanted))

    return question, step


def _read_match(body: bytes) -> tuple[Question, Step]:
    question, tensors = unpack_question(body, _COMPARED_TENSORS)
    rows = read_rows(tensors["rows"], MOST_MATCHED)

    def step(shard: MapShard, is_wanted: IsWanted) -> bytes:
        return pack_matches(shard.match(_read_query(tensors, shard), rows, is_wanted))

    return question, step


def _read_query(tensors: Mapping[str, Tensor], shard: MapShard) -> LocalFeatures:
    """Return the local features of a query, on the device of the shard."""
    encoder = shard.localizer.encoder
    features = check_features(tensors["query"], (-1, encoder.local_dim))
    extras = check_features(tensors["extras"], (len(features), encoder.local_extras))
    return LocalFeatures(features.to(encoder.device), extras.to(encoder.device))
