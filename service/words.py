"""Name the words of requests and answers, and limit how much an answer holds.

Clients import them without torch, so nothing is imported here.
"""

from typing import Literal

Rerank = Literal["auto", "always", "never"]
"""Whether candidates are re-ranked by their local features."""

EvidenceWord = Literal["matches", "heat"]
"""The additional evidence that an answer may show."""

Togetherness = Literal["place", "sequence"]
"""The ways in which several photos belong together."""

Status = Literal["localized", "uncertain", "not_found", "no_candidates", "uncalibrated"]
"""The verdicts on an answer; ``service.localization.Verdict`` explains them."""

MATCHED_FIRST = 3
"""The number of first candidates that ``evidence=matches`` shows."""

MOST_MATCHED = MATCHED_FIRST + 1
"""The number of candidates that it shows: those, and the best one of another place."""

MOST_PAIRS = 200
"""The most pairs of cells that it shows for a candidate: the most similar ones."""

CallOutcome = Literal["answered", "unreachable", "late", "denied", "busy", "unexpected", "garbage"]
"""The outcome of a front end's call to a shard."""
