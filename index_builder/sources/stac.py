"""Items of STAC, as Panoramax and other catalogues answer with them, saved beside the pictures.

A catalogue or a collection leads to items in other files; their assets are looked for beside these. The picture of an
item is the first of its assets that lies on the disk: by its address if that is a path, else by the name at the
address's end; or the file that is called after the item, ``<id>.jpg``, here or in ``images``. Addresses are never
fetched.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from index_builder.errors import SourceError
from index_builder.sources.gathering import Gathering, gather
from index_builder.sources.geojson import feature_identifier
from index_builder.sources.geojson_point import point_position
from index_builder.sources.geotag import Geotag, Pose, unreadable
from index_builder.sources.headings import heading_in
from index_builder.sources.json_file import JsonContent, number_in, text_in
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing
from index_builder.sources.picture_paths import Missing
from index_builder.sources.rules import Rules
from index_builder.sources.stac_catalog import HERE, LinkedItem, is_catalogue, linked_items
from index_builder.sources.times import parse_time

IMAGES = "images"
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_BEST_FIRST = ("hd", "visual", "image", "data", "sd")  # names of assets, the largest pictures first
_ALL_ROUND_DEG = 360


def is_stac(content: JsonContent) -> bool:
    """Return whether a file holds items, which are features with assets, or leads to them."""
    if is_catalogue(content):
        return True
    entries = content.entries or ()
    return any(
        isinstance(item, dict) and item.get("type") == "Feature" and isinstance(item.get("assets"), dict)
        for _, item in entries
    )


def read_stac(file: Path, content: JsonContent, rules: Rules, on_progress: OnProgress | None = None) -> SourceListing:
    """List the pictures of items.

    Heading, field of view and error are read from ``view:azimuth``, ``pers:interior_orientation`` and
    ``quality:horizontal_accuracy``. The pictures are not opened.

    Args:
        file: The file that was read.
        content: An item, a collection of items, an item in each line, or a catalogue that leads to items.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of items read so far.

    Returns:
        The listing, of kind ``stac``, in the file's order. Ids come from the items.

    Raises:
        SourceError: Two pictures have one id, or a catalogue leads to no items.
    """
    if is_catalogue(content):
        items: Iterable[tuple[int, LinkedItem]] = enumerate(linked_items(file, content), start=1)
    else:
        items = ((number, LinkedItem(HERE, item)) for number, item in content.entries or ())
    listing = gather(file, content.unit, "stac", items, _add, rules, on_progress, (IMAGES,))
    if not len(listing) and not listing.passed_over:
        raise SourceError(f"{file} lists no pictures: it has no links to items")
    return listing


def _add(gathering: Gathering, number: int, linked: LinkedItem) -> None:
    item = linked.item
    if linked.fault:
        gathering.skip("", LeftOutCode.INVALID_ROW, linked.fault)
        return
    identifier = feature_identifier(item.get("id")) if isinstance(item, dict) else ""
    if not isinstance(item, dict) or not identifier:
        gathering.skip("", LeftOutCode.INVALID_ROW, f"{gathering.unit} {number} is not an item with an id")
        return
    stated = item.get("properties")
    properties = stated if isinstance(stated, dict) else {}
    names = [_seen_from(linked.folder, name) for name in _possible_names(item, properties, identifier)]
    found = gathering.finder.find_any(list(dict.fromkeys(names)))
    name = identifier if isinstance(found, Missing) else gathering.finder.id_of(found)
    gathering.add(number, name, found, _geotag(item, properties), identifier=identifier)


def _possible_names(item: Mapping[str, object], properties: Mapping[str, object], identifier: str) -> Iterator[str]:
    addresses = list(_addresses(item))
    local = [address for address in addresses if not urlsplit(address).netloc]
    yield from local
    yield from map(unquote, local)
    if original := text_in(properties.get("original_file:name")):
        yield original
    if "/" not in identifier and "\\" not in identifier:
        yield from (f"{identifier}{suffix}" for suffix in _SUFFIXES)
    yield from (name for address in addresses if (name := PurePosixPath(unquote(urlsplit(address).path)).name))


def _seen_from(folder: str, name: str) -> str:
    return name if folder == HERE or name.startswith(("/", "file:")) else f"{folder}/{name}"


def _pose(properties: Mapping[str, object]) -> Pose | None:
    """Return the pose of a panorama; None for other pictures."""
    lens = properties.get("pers:interior_orientation")
    if not isinstance(lens, dict) or number_in(lens.get("field_of_view")) != _ALL_ROUND_DEG:
        return None
    return Pose(number_in(properties.get("pers:pitch")) or 0.0, number_in(properties.get("pers:roll")) or 0.0)


def _addresses(item: Mapping[str, object]) -> Iterator[str]:
    """Return the addresses of the assets that are pictures, the largest first."""
    assets = item.get("assets")
    known = assets if isinstance(assets, dict) else {}
    for name in sorted(known, key=lambda name: _BEST_FIRST.index(name) if name in _BEST_FIRST else len(_BEST_FIRST)):
        asset = known[name]
        if isinstance(asset, dict) and text_in(asset.get("type") or "image/").startswith("image/"):
            address = text_in(asset.get("href"))
            if address:
                yield address


def _geotag(item: Mapping[str, object], properties: Mapping[str, object]) -> Geotag:
    heading, time = properties.get("view:azimuth"), properties.get("datetime")
    heading_deg, taken = heading_in(heading), parse_time(text_in(time))
    return Geotag(
        position=point_position(item.get("geometry")),
        heading_deg=heading_deg,
        time=taken,
        error_m=number_in(properties.get("quality:horizontal_accuracy")),
        panorama=_pose(properties),
        remarks=unreadable(heading, heading_deg, time, taken),
    )
