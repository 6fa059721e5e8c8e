"""Choose how a query is answered, and the defaults of a query that leaves choices open."""

from dataclasses import dataclass
from typing import get_args

from model.encoder import Encoder
from model.errors import InvalidInput
from model.matching import MatchingPrecision, counts_hundreds_a_second
from service.prior import Prior
from service.words import EvidenceWord, Rerank

MAX_SHORTLIST = 1000
DEFAULT_CANDIDATES = 10
DEFAULT_SHORTLIST = 100
DEFAULT_SHORTLIST_SLOW = 20  # without a GPU and a kernel for the CPU, or with exact matching
DEFAULT_RERANK: Rerank = "auto"
DEFAULT_MAX_WRONG = 0.05
DEFAULT_PRECISION: MatchingPrecision = "fast"


_YES, _NO = ("1", "on", "t", "true", "y", "yes"), ("0", "f", "false", "n", "no", "off")


def rerank_word(value: object) -> object:
    """Return the word for a yes or a no, which were the choices before ``auto``; return other values as they are."""
    words = dict.fromkeys(_YES, "always") | dict.fromkeys(_NO, "never")
    return words.get(str(value).lower(), value)


@dataclass(frozen=True)
class QueryOptions:
    """Hold the choices of a query.

    Attributes:
        candidates: The number of candidates to return; at most ``shortlist``.
        shortlist: The number of nearest global features to compare; at most 1000.
        rerank: Whether they are re-ranked by mutual matches. ``auto`` compares until the calibration of the map is
            sure, and all without one; with a network that is not trained it compares none.
        max_wrong: The largest share of wrong answers like one that is ``localized``; in (0, 1).
        min_confidence: The least confidence of an answer that is ``localized``; in [0, 1].
        prior: The prior; None without one.
        evidence: The additional evidence that the answer shows; None for none.

    Raises:
        InvalidInput: A value is out of its range.
    """

    candidates: int
    shortlist: int
    rerank: Rerank
    max_wrong: float = DEFAULT_MAX_WRONG
    min_confidence: float = 0.0
    prior: Prior | None = None
    evidence: EvidenceWord | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.shortlist <= MAX_SHORTLIST:
            raise InvalidInput(f"shortlist must be between 1 and {MAX_SHORTLIST}, not {self.shortlist}")
        if not 1 <= self.candidates <= self.shortlist:
            raise InvalidInput(
                f"candidates must be between 1 and shortlist, which is {self.shortlist}, not {self.candidates}"
            )
        if self.rerank not in get_args(Rerank):
            raise InvalidInput(f"rerank must be one of {', '.join(get_args(Rerank))}, not {self.rerank!r}")
        if not 0 < self.max_wrong < 1:
            raise InvalidInput(f"max_wrong must be between 0 and 1, both excluded, not {self.max_wrong}")
        if not 0 <= self.min_confidence <= 1:
            raise InvalidInput(f"min_confidence must be between 0 and 1, not {self.min_confidence}")
        if self.evidence is not None and self.evidence not in get_args(EvidenceWord):
            raise InvalidInput(f"evidence must be one of {', '.join(get_args(EvidenceWord))}, not {self.evidence!r}")


@dataclass(frozen=True)
class QueryDefaults:
    """Hold the choices for queries that leave them open.

    Attributes:
        candidates: The number of candidates to return.
        shortlist: The number of candidates to compare.
        rerank: Whether to re-rank them.
        max_wrong: The share of answers called ``localized`` that may be wrong.
        can_rerank: Whether the network has local features, which re-ranking compares.

    Raises:
        InvalidInput: ``rerank`` is ``always``, and the network has no local features.
    """

    candidates: int
    shortlist: int
    rerank: Rerank
    max_wrong: float = DEFAULT_MAX_WRONG
    can_rerank: bool = True

    def __post_init__(self) -> None:
        self._check_rerank(self.rerank)

    @classmethod
    def for_encoder(
        cls,
        encoder: Encoder,
        *,
        matching_precision: MatchingPrecision = DEFAULT_PRECISION,
        candidates: int = DEFAULT_CANDIDATES,
        shortlist: int | None = None,
        rerank: Rerank = DEFAULT_RERANK,
        max_wrong: float = DEFAULT_MAX_WRONG,
    ) -> "QueryDefaults":
        """Return the defaults for a network on its device, for choices that the settings leave open.

        Raises:
            InvalidInput: ``rerank`` is ``always``, and the network has no local features.
        """
        if shortlist is None:
            is_quick = counts_hundreds_a_second(encoder.device, encoder.local_dim, matching_precision)
            shortlist = DEFAULT_SHORTLIST if is_quick else DEFAULT_SHORTLIST_SLOW
        return cls(candidates, shortlist, rerank, max_wrong, can_rerank=encoder.local_dim > 0)

    def options(
        self,
        candidates: int | None = None,
        shortlist: int | None = None,
        *,
        rerank: Rerank | None = None,
        max_wrong: float | None = None,
        min_confidence: float | None = None,
        evidence: EvidenceWord | None = None,
    ) -> QueryOptions:
        """Fill in the choices that a query leaves open, so that one given number never contradicts the other's default.

        Raises:
            InvalidInput: A number is out of its range, or both are given and do not fit each other; or ``rerank`` is
                ``always``, and the network has no local features.
        """
        self._check_rerank(rerank)
        if shortlist is None:
            shortlist = max(self.shortlist, candidates or self.candidates)
        if candidates is None:
            candidates = min(self.candidates, shortlist)
        return QueryOptions(
            candidates,
            shortlist,
            self.rerank if rerank is None else rerank,
            self.max_wrong if max_wrong is None else max_wrong,
            min_confidence or 0.0,
            evidence=evidence,
        )

    def _check_rerank(self, rerank: Rerank | None) -> None:
        if rerank == "always" and not self.can_rerank:
            raise InvalidInput(
                "rerank=always cannot be done: the network of this map has no local features to compare. Leave rerank "
                "out, or ask for never; only a map of another network can be re-ranked"
            )
