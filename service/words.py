"""The words of requests and answers, and how much an answer holds.

Clients know them without torch, so nothing is imported here.
"""

from typing import Literal

Rerank = Literal["auto", "always", "never"]
"""Whether candidates are re-ranked by their local features."""

EvidenceWord = Literal["matches", "heat"]
"""What an answer may hold besides, to show why it is the answer."""

Togetherness = Literal["place", "sequence"]
"""How several photos belong together."""

Status = Literal["localized", "uncertain", "not_found", "no_candidates", "uncalibrated"]
"""Whether to believe an answer; ``service.localization.Verdict`` says what each means."""

MATCHED_FIRST = 3
"""How many of the first candidates ``evidence=matches`` tells of."""

MOST_MATCHED = MATCHED_FIRST + 1
"""How many candidates it tells of: besides, of the best one of another place."""

MOST_PAIRS = 200
"""How many pairs of cells it tells of a candidate: the most similar ones."""

CallOutcome = Literal["answered", "unreachable", "late", "denied", "busy", "unexpected", "garbage"]
"""The outcome of a front end's call to a shard."""
