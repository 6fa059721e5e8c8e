"""The overview of collections as a table for a terminal."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from index_builder.overview import Overview
from index_builder.sources.geotag import Remark
from index_builder.sources.listed_heads import CONTRADICTION_M
from index_builder.sources.panorama_views import YAWS_DEG
from index_builder.sources.pictures import told_of_passed_over
from index_builder.sources.rules import DOUBTFUL_ERROR_M
from placefix.wording import corners, length, share

_REMARKS: Mapping[Remark, str] = {
    Remark.DOUBTFUL_POSITION: f"with a stated error above {DOUBTFUL_ERROR_M:g} m (--max-gps-error-m leaves them out)",
    Remark.BESIDE_SYSTEM: "beside the area where the stated reference system is used: is its zone right?",
    Remark.CONTRADICTS_EXIF: f"that the list places more than {CONTRADICTION_M / 1000:g} km from their EXIF position: "
    "is the list right, or are latitude and longitude swapped?",
    Remark.MAGNETIC_HEADING: "with a heading from magnetic north, which does not count (--magnetic-headings takes it)",
    Remark.UNREADABLE_HEADING: "with a heading that cannot be read",
    Remark.UNREADABLE_TIME: "with a time that cannot be read",
    Remark.UNREADABLE_NOTE: "with XMP or JSON that cannot be read",
}


def overview_table(overview: Overview) -> Table:
    """Return a table of two columns, with a line for each fact."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("pictures", Text(f"{overview.pictures:,}, {overview.placed:,} with a position"))
    for group in overview.left_out:
        table.add_row(
            group.example.outcome,
            Text(f"{group.count:,} {group.example.code}: {group.example.path}: {group.example.reason}"),
        )
    if overview.passed_over:
        table.add_row("passed over", Text(told_of_passed_over(overview.passed_over)))
    if overview.panoramas:
        table.add_row("panoramas", Text(f"{overview.panoramas:,}, each to be cut into {len(YAWS_DEG)} views"))
    if overview.box is not None:
        apart = "" if overview.spacing_m is None else f"; {length(overview.spacing_m)} apart (median)"
        size = f"{length(overview.box.width_m)} × {length(overview.box.height_m)}"
        table.add_row("where", Text(f"{corners(overview.box)}, {size}{apart}"))
        table.add_row("headings", Text(share(overview.headings, overview.placed)))
        days = "" if overview.first is None else f", {overview.first:%Y-%m-%d} to {overview.last:%Y-%m-%d}"
        table.add_row("times", Text(f"{share(overview.dates, overview.placed)}{days}"))
    for remark, number in sorted(overview.remarks.items()):
        table.add_row("odd", Text(f"{number:,} {_REMARKS[remark]}"))
    for sentence in overview.suspicions:
        table.add_row("doubtful", Text(sentence, style="yellow"))
    return table
