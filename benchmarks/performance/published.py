"""The paper's runtimes as it states them, beside the measured runtimes of Placefix."""

from dataclasses import dataclass

from benchmarks.match import PLAIN
from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown
from place_map.local_codec import LocalCodec

# Bytes of one picture and one query in the authors' code, computed from its shapes: the paper does not state them.
_CANDIDATES, _CELLS, _CHANNELS = 100, 3721, 128
_SCORES_BYTES = 4 * _CANDIDATES * _CELLS * _CELLS

_THEIRS = "SelaVPR"
_HARDWARE = "NVIDIA RTX 3090"
_WAYS = (PLAIN, "fast, float16 candidates")  # codes of eight and four bits are read as the latter


@dataclass(frozen=True)
class Published:
    """Hold a row of the paper's Table 3, for one query.

    Attributes:
        method: The paper's name of the method.
        encode_s: The seconds of extracting features.
        match_s: The seconds of matching 100 candidates.
    """

    method: str
    encode_s: float
    match_s: float


TABLE_3 = (
    Published("SP-SuperGlue", 0.042, 6.639),
    Published("Patch-NetVLAD-s", 0.186, 0.551),
    Published("Patch-NetVLAD-p", 0.412, 10.732),
    Published("TransVPR", 0.008, 3.010),
    Published(_THEIRS, 0.027, 0.085),
)
"""ICLR 2024, arXiv 2402.14505."""


def published_table(query: Figures, match: Figures) -> str:
    """Return Table 3 with the measured rows of Placefix.

    Args:
        query: The figures of a whole query.
        match: The figures of counting, for its memory.
    """
    floats = LocalCodec("float32", _CHANNELS).bytes_per_picture(_CELLS)
    rows = []
    for each in TABLE_3:
        is_theirs = each.method == _THEIRS
        derived = (f"{floats:,} †", f"{_SCORES_BYTES / 1e6:,.0f} †") if is_theirs else (NO_FIGURE, NO_FIGURE)
        source = f"*paper, {_HARDWARE}*" if is_theirs else "*paper*"
        rows.append([f"*{each.method}*", source, *_seconds(each.encode_s, each.match_s), *derived])
    hardware = query["hardware"].split(", torch")[0]
    stored = LocalCodec(query["store"], match["channels"]).bytes_per_picture(match["cells"])
    plain_bytes, fast_bytes = (match["ways"][way]["extra_bytes"] for way in _WAYS)
    for name, path, picture_bytes, extra_bytes in (
        ("plain", "plain", floats, plain_bytes),
        ("served", "as it is served", stored, fast_bytes),
    ):
        seconds = query["seconds"][path]
        match_s = sum(seconds[stage] for stage in ("shortlist", "gather", "rerank"))
        rows.append(
            [
                f"{query['network']}, {name}",
                f"here, {hardware}",
                *_seconds(seconds["encode"], match_s),
                f"{picture_bytes:,}",
                f"{extra_bytes / 1e6:,.0f}",
            ]
        )
    headings = ["method", "figures of, on", "encode s", "match s", "both s", "local features, bytes a picture"]
    table = markdown([*headings, "memory to match, MB"], rows, left=2)
    return f"{table}\n\nHere: {query['hardware']}; memory to match: {match['hardware']}."


def _seconds(encode_s: float, match_s: float) -> tuple[str, str, str]:
    return f"{encode_s:.3f}", f"{match_s:.3f}", f"{encode_s + match_s:.3f}"
