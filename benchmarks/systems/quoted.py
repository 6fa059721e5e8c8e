"""Figures that others have published, to stand beside measured ones; nothing here was measured.

R@1, R@5 and R@10 in percent. Rows of SelaVPR's paper (ICLR 2024, arXiv 2402.14505) have its figures of the systems
that it compares with; seconds are of its Table 3. A figure is left out if the text that states it could not be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.performance.published import TABLE_3

SETS = ("Tokyo 24/7", "MSLS, validation", "MSLS, challenge", "Pitts30k")

_PAPER = "SelaVPR's paper"
Recalls = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class Quoted:
    """Hold a row of published figures.

    Attributes:
        title: The name of the system.
        source: The publication that has the figures.
        recalls: Data set → R@1, R@5 and R@10.
        why_alone: The reason why the system cannot be measured here; None if it can.
    """

    title: str
    source: str
    recalls: Mapping[str, Recalls] = field(default_factory=dict)
    why_alone: str | None = None

    @property
    def seconds(self) -> tuple[float, float] | None:
        """Return the seconds of encoding a query and of matching 100 candidates, in the paper's Table 3."""
        found = {each.method: (each.encode_s, each.match_s) for each in TABLE_3}
        return found.get(self.title)


def _of(tokyo: Recalls, msls: Recalls, challenge: Recalls, pitts30k: Recalls) -> dict[str, Recalls]:
    return dict(zip(SETS, (tokyo, msls, challenge, pitts30k), strict=True))


def _first(value: float) -> Recalls:
    return value, None, None


QUOTED = (
    Quoted("NetVLAD", _PAPER, _of((60.6, 68.9, 74.6), (53.1, 66.5, 71.1), (35.1, 47.4, 51.7), (81.9, 91.2, 93.7))),
    Quoted("CosPlace", _PAPER, _of((81.9, 90.2, 92.7), (82.8, 89.7, 92.0), (61.4, 72.0, 76.6), (88.4, 94.5, 95.7))),
    Quoted("MixVPR", _PAPER, _of((85.1, 91.7, 94.3), (88.0, 92.7, 94.6), (64.0, 75.9, 80.6), (91.5, 95.5, 96.3))),
    Quoted("SP-SuperGlue", _PAPER, why_alone="its weights are for research only"),
    Quoted("Patch-NetVLAD-s", _PAPER),
    Quoted(
        "Patch-NetVLAD-p", _PAPER, _of((86.0, 88.6, 90.5), (79.5, 86.2, 87.7), (48.1, 57.6, 60.5), (88.7, 94.5, 95.9))
    ),
    Quoted("TransVPR", _PAPER, _of((79.0, 82.2, 85.1), (86.8, 91.2, 92.4), (63.9, 74.0, 77.5), (89.0, 94.9, 96.2))),
    Quoted("R2Former", _PAPER, _of((88.6, 91.4, 91.7), (89.7, 95.0, 96.2), (73.0, 85.9, 88.8), (91.1, 95.2, 96.3))),
    Quoted("StructVPR", "its figures could not be read", why_alone="its code was not released"),
    Quoted("SelaVPR", _PAPER, _of((94.0, 96.8, 97.5), (90.8, 96.4, 97.2), (73.5, 87.5, 90.6), (92.8, 96.8, 97.7))),
    Quoted(
        "EffoVPR",
        "its paper (ICLR 2025)",
        _of(_first(98.7), _first(92.8), _first(79.0), _first(93.9)),
        why_alone="its weights were not released",
    ),
)
"""The rows, in the order of publication."""
