"""Figures that others have published, to stand beside measured ones; nothing here was measured.

R@1, R@5 and R@10 in percent. Rows of SelaVPR's paper (ICLR 2024, arXiv 2402.14505) have its figures of the systems
that it compares with; seconds are of its Table 3. Other rows name the table that they are from. A figure is left out if
no table that states it could be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.performance.published import TABLE_3

SETS = ("Tokyo 24/7", "MSLS, validation", "MSLS, challenge", "Pitts30k")

_PAPER = "SelaVPR's paper"
_R2FORMER = "R2Former's paper (CVPR 2023), Table 1"
_CRICAVPR = "CricaVPR's paper (CVPR 2024), Table 2"
_UNREAD = "no table with its recalls could be read"
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
    Quoted("SFRS", _R2FORMER, _of((85.4, 91.1, 93.3), (69.2, 80.3, 83.1), (41.5, 52.0, 56.3), (89.4, 94.7, 95.9))),
    Quoted(
        "SP-SuperGlue", _R2FORMER, _of((88.2, 90.2, 90.2), (78.1, 81.9, 84.3), (50.6, 56.9, 58.3), (87.2, 94.8, 96.4))
    ),
    Quoted("Patch-NetVLAD-s", _UNREAD),
    Quoted(
        "Patch-NetVLAD-p", _PAPER, _of((86.0, 88.6, 90.5), (79.5, 86.2, 87.7), (48.1, 57.6, 60.5), (88.7, 94.5, 95.9))
    ),
    Quoted("CosPlace", _PAPER, _of((81.9, 90.2, 92.7), (82.8, 89.7, 92.0), (61.4, 72.0, 76.6), (88.4, 94.5, 95.7))),
    Quoted("TransVPR", _PAPER, _of((79.0, 82.2, 85.1), (86.8, 91.2, 92.4), (63.9, 74.0, 77.5), (89.0, 94.9, 96.2))),
    Quoted("MixVPR", _PAPER, _of((85.1, 91.7, 94.3), (88.0, 92.7, 94.6), (64.0, 75.9, 80.6), (91.5, 95.5, 96.3))),
    Quoted("R2Former", _PAPER, _of((88.6, 91.4, 91.7), (89.7, 95.0, 96.2), (73.0, 85.9, 88.8), (91.1, 95.2, 96.3))),
    Quoted("StructVPR", _UNREAD, why_alone="its code was not released"),
    Quoted(
        "EigenPlaces", _CRICAVPR, _of((93.0, 96.2, 97.5), (89.1, 93.8, 95.0), (67.4, 77.1, 81.7), (92.5, 96.8, 97.6))
    ),
    Quoted("SelaVPR", _PAPER, _of((94.0, 96.8, 97.5), (90.8, 96.4, 97.2), (73.5, 87.5, 90.6), (92.8, 96.8, 97.7))),
    Quoted(
        "SALAD",
        "its paper (CVPR 2024), Table 2",
        {"MSLS, validation": (92.2, 96.4, 97.0), "MSLS, challenge": (75.0, 88.8, 91.3)},
    ),
    Quoted(
        "BoQ (DINOv2)",
        "its README",
        {
            "MSLS, validation": (93.8, 96.8, 97.0),
            "MSLS, challenge": (79.0, 90.3, 92.0),
            "Pitts30k": (93.7, 97.1, 97.9),
        },
    ),
    Quoted("BoQ (ResNet50)", "its README", {"MSLS, validation": (91.2, 95.3, 96.1), "Pitts30k": (92.4, 96.5, 97.4)}),
    Quoted("MegaLoc", _UNREAD),
    Quoted(
        "EffoVPR",
        "reviews of its paper (ICLR 2025), Table 3",
        _of(_first(98.7), _first(92.8), _first(79.0), _first(93.9)),
        why_alone="its weights were not released",
    ),
)
"""The rows, in the order of publication."""
