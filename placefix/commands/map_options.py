"""The options that say what a new map holds."""

from typing import Annotated

import typer

from model.rerankers.registry import RERANKERS
from place_map.local_codec import StoreType

_PANEL = "Map"

SegmentSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Pictures in one segment: an interruption loses at most one. By default 256, more for a large map.",
        rich_help_panel=_PANEL,
    ),
]
Index = Annotated[
    str,
    typer.Option(
        help="The shortlist index: Flat (exact), auto (chosen by the size of the collection), binary (one bit a "
        "number), or another string of faiss's index_factory.",
        rich_help_panel=_PANEL,
    ),
]
Thumbnails = Annotated[bool, typer.Option(help="Keep small pictures to show as evidence.", rich_help_panel=_PANEL)]
Store = Annotated[
    StoreType,
    typer.Option(
        help="The form of local features in the map. Smaller ones take less space and change some matches; float32 "
        "is exact.",
        rich_help_panel=_PANEL,
    ),
]
MatchFloor = Annotated[
    float | None,
    typer.Option(
        min=-1,
        max=1,
        help="The cosine below which two local features do not match. By default the network's own; -1 for none.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
RerankerName = Annotated[
    str | None,
    typer.Option(
        "--reranker",
        help="The re-ranker, which compares a query with its candidates. By default the network method's. "
        f"There are: {', '.join(RERANKERS)}.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Calibrate = Annotated[
    bool,
    typer.Option(
        help="Ask the map its own pictures at the end, so that answers say how sure they are; takes a tenth of the "
        "build, or a minute.",
        rich_help_panel=_PANEL,
    ),
]
