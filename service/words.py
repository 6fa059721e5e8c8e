"""The words of requests and answers. Clients know them without torch, so nothing is imported here."""

from typing import Literal

Rerank = Literal["auto", "always", "never"]
"""Whether candidates are re-ranked by their local features."""

Togetherness = Literal["place", "sequence"]
"""How several photos belong together."""

Status = Literal["localized", "uncertain", "not_found", "no_candidates", "uncalibrated"]
"""Whether to believe an answer; ``service.localization.Verdict`` says what each means."""
