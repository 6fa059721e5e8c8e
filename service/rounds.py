"""Choose how many candidates are counted at once, if a count is a call to other machines."""

from collections.abc import Sequence

MOST_ROUNDS = 3
"""The most rounds of counting for a query that shards answer; with the round of the shortlist there are four."""


def count_ahead(stops: Sequence[int], most_rounds: int) -> list[int]:
    """Choose how many candidates to count before each stop, so that few rounds of counting are enough.

    ``rerank=auto`` weighs the evidence at each stop, with only the candidates up to it. So counting some ahead changes
    no answer: it saves rounds, and costs the counts behind the stop at which the answer is sure.

    Args:
        stops: Numbers of candidates, ascending.
        most_rounds: The most rounds, at least 1. They share out the stops; earlier rounds have fewer of them.

    Returns:
        A number for each stop, not below the stop.
    """
    counted = [stop for stop in stops if stop]
    last = [len(counted) * number // most_rounds - 1 for number in range(1, most_rounds + 1)]
    ends = [counted[index] for index in last if index >= 0]
    return [next(end for end in (0, *ends) if end >= stop) for stop in stops]
