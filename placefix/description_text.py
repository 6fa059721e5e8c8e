"""The description of a map for a terminal: facts in two columns, then bars for directions and dates."""

from collections.abc import Sequence

from rich.console import Console
from rich.filesize import decimal
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from index_builder.description.describe import MapDescription
from index_builder.description.extent import CELL_M
from index_builder.description.headings import DIRECTIONS
from index_builder.description.neighbours import WITHIN_DEG, WITHIN_M
from placefix.wording import UNKNOWN_LICENCE, corners, count, length, share, written

_BAR_CELLS = 20
_EIGHTHS = " ▏▎▍▌▋▊▉"
_QUIET, _ACCENT = "bright_black", "cyan"


def print_description(description: MapDescription, console: Console) -> None:
    """Print a description.

    Args:
        description: The description of a map.
        console: The console; with at least 80 columns, the two histograms are beside each other.
    """
    title = Text.assemble((description.name, "bold"), f"  version {description.version}")
    title.append(f"  written {written(description.created_at)}", _QUIET)
    console.print(title)
    for facts in (_what(description), _where(description), _when(description), _weight(description)):
        table = Table.grid(padding=(0, 2))
        table.add_column(style=_QUIET, no_wrap=True, min_width=11)
        table.add_column(overflow="fold")
        for label, value in facts:
            table.add_row(label, value)
        console.print(Padding(table, (1, 0, 0, 0)))
    bars = Table.grid(padding=(0, 4))
    charts = []
    if description.headings.known:
        charts.append(_bars("looking", DIRECTIONS, description.headings.by_direction))
    if description.dates.bins:
        bins = description.dates.bins
        charts.append(_bars("taken", [each.label for each in bins], [each.pictures for each in bins]))
    if charts:
        bars.add_row(*charts)
        console.print(Padding(bars, (1, 0, 0, 0)))


def _what(description: MapDescription) -> list[tuple[str, Text]]:
    pictures = Text.assemble((f"{description.pictures:,}", "bold"))
    others = []
    if description.dead_rows:
        others.append(f"{description.dead_rows:,} removed ones still in the files")
    if description.skipped:
        others.append(f"{description.skipped:,} skipped")
    if description.rejected:
        others.append(f"{description.rejected:,} rejected")
    if others:
        pictures.append(f"  ({', '.join(others)})", _QUIET)
    network = Text(
        f"{description.network_family} {description.network_fingerprint[:12]}…, {description.precision}, "
        f"{description.preprocessing}"
    )
    if not description.is_trained:
        network.append(", untrained: re-ranking means nothing", "yellow")
    return [
        ("pictures", pictures),
        *_sources(description),
        ("network", network),
        ("licence", Text(description.weights_licence or UNKNOWN_LICENCE)),
        ("features", _features(description)),
    ]


def _features(description: MapDescription) -> Text:
    index = f"index {description.index_factory}"
    if description.reranker is None:
        return Text(f"no local ones, {index}")
    return Text(f"local ones in {description.store}, compared by {description.reranker}, {index}")


def _sources(description: MapDescription) -> list[tuple[str, Text]]:
    """Return a line for each source; several sources have the numbers that ``placefix update`` uses."""
    lines = []
    for number, source in enumerate(description.sources):
        text = Text(source.path)
        if len(description.sources) > 1:
            text = Text(f"{number}: {source.path}, {count(source.pictures, 'picture')}")
        if source.prefix:
            text.append(f", ids begin with {source.prefix}")
        lines.append(("" if number else "from", text))
    return lines


def _where(description: MapDescription) -> list[tuple[str, Text]]:
    box, headings = description.box, description.headings
    nearest = description.median_nearest_m
    facts = [
        ("where", Text(corners(box))),
        ("extent", Text(f"{length(box.width_m)} wide, {length(box.height_m)} high")),
        (
            "covered",
            Text(
                f"{description.covered_km2:,.2f} km² in squares of {CELL_M:.0f} m, "
                f"{description.pictures_per_km2:,.0f} pictures on a km²"
            ),
        ),
        ("spacing", Text("a single picture" if nearest is None else f"{length(nearest)} to the nearest other, median")),
        ("headings", Text(f"{share(headings.known, description.pictures)} have one")),
    ]
    if headings.known:
        backed = Text(f"{share(headings.with_same_view, headings.known)}", "bold")
        backed.append(
            f" have another within {WITHIN_M:.0f} m that looks the same way, to {WITHIN_DEG:.0f}°", "not bold"
        )
        facts.append(("same view", backed))
    return facts


def _when(description: MapDescription) -> list[tuple[str, Text]]:
    dates = description.dates
    facts = [("times", Text(f"{share(dates.known, description.pictures)} have one"))]
    if dates.first is not None and dates.last is not None:
        facts.append(("taken", Text(f"{dates.first:%Y-%m-%d %H:%M} to {dates.last:%Y-%m-%d %H:%M}")))
    return facts


def _weight(description: MapDescription) -> list[tuple[str, Text]]:
    sizes = description.sizes
    together = Text(decimal(sizes.version), "bold")
    together.append(
        f" in {count(description.segments, 'segment')}, {decimal(round(description.bytes_per_picture))} a picture",
        "not bold",
    )
    parts = {
        "local features": sizes.local_features,
        "global features": sizes.global_features,
        "index": sizes.index,
        "thumbnails": sizes.thumbnails,
        "tables": sizes.tables,
    }
    facts = [("bytes", together), ("", Text(", ".join(f"{name} {decimal(size)}" for name, size in parts.items())))]
    if sizes.beside:
        whose = f"of {count(sizes.other_versions, 'other version')}" if sizes.other_versions else "of no version"
        facts.append(("beside it", Text(f"{decimal(sizes.beside)} {whose}")))
    return facts


def _bars(title: str, labels: Sequence[str], counts: Sequence[int]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style=_QUIET, no_wrap=True)
    table.add_column(style=_ACCENT, no_wrap=True, width=_BAR_CELLS)
    table.add_column(justify="right", no_wrap=True)
    table.add_row(Text(title, "bold default"), "", "")
    most = max(counts)
    for label, pictures in zip(labels, counts, strict=True):
        table.add_row(label, _bar(pictures / most), f"{pictures:,}" if pictures else Text("–", _QUIET))
    return table


def _bar(fraction: float) -> str:
    """Return a bar of up to 20 cells, in eighths of a cell; the smallest count is visible, too."""
    eighths = max(round(fraction * _BAR_CELLS * 8), 1 if fraction > 0 else 0)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()
