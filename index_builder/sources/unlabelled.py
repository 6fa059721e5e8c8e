"""Pictures without positions, such as the queries of a challenge whose truth is secret.

They cannot go into a map that answers with positions, but an evaluation that writes its candidates can ask and search
them: Mapillary's test cities come without positions on either side.
"""

from dataclasses import replace
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.csv_columns import SPELLINGS, find_column, listed
from index_builder.sources.csv_rows import read_rows
from index_builder.sources.listing import NOWHERE, LeftOutCode, SourceListing
from index_builder.sources.picture_paths import Missing, PictureFinder
from index_builder.sources.read_options import ReadOptions
from model.places import Place
from place_map.left_out import LeftOut

# These flaws show that the collection tries to state a position.
_FLAWED = frozenset(
    {
        LeftOutCode.NULL_ISLAND,
        LeftOutCode.INVALID_POSITION,
        LeftOutCode.NO_HEMISPHERE,
        LeftOutCode.NO_ZONE,
        LeftOutCode.VOID_FIX,
        LeftOutCode.INACCURATE_POSITION,
        LeftOutCode.CONTRADICTORY_POSITION,
    }
)


def is_path_list(file: Path) -> bool:
    """Return whether a CSV file has a column of paths, and none of latitudes or longitudes.

    Raises:
        SourceError: The file cannot be read.
    """
    header, _ = read_rows(file)
    positions = ("latitude", "longitude", "position")
    has = {kind: find_column(header, file, SPELLINGS[kind]) is not None for kind in ("path", *positions)}
    return has["path"] and not any(has[kind] for kind in positions)


def read_path_list(file: Path, options: ReadOptions | None = None) -> SourceListing:
    """Read a CSV file ``path[,id]``; all rows must be valid.

    Args:
        file: The CSV file.
        options: The folder of the pictures.

    Returns:
        The listing, of kind ``csv``, in the file's order, each picture at ``NOWHERE``. Ids come from the id column,
        else the paths.

    Raises:
        SourceError: The file cannot be read, lists nothing, or has a row that names no picture, or an id a second time.
    """
    header, rows = read_rows(file)
    path_column, id_column = (find_column(header, file, SPELLINGS[kind]) for kind in ("path", "id"))
    if path_column is None:
        raise SourceError(f"{file} lacks the column path; its columns are {listed(header)}")
    finder = PictureFinder(file.parent, (options or ReadOptions()).root)
    places: dict[str, Place] = {}
    for line, row in rows:
        cells = [cell.strip() for cell in row] + [""] * (len(header) - len(row))
        if not cells[path_column]:
            raise SourceError(f"{file}, line {line}, names no picture")
        path = finder.find(cells[path_column])
        if isinstance(path, Missing):
            raise SourceError(f"{file}, line {line}, names {path.tried[0]}, and {path}")
        identifier = (cells[id_column] if id_column is not None else "") or finder.id_of(path)
        if identifier in places:
            raise SourceError(f"{file}, line {line}, lists {identifier} a second time")
        places[identifier] = Place(identifier, path, NOWHERE)
    if not places:
        raise SourceError(f"{file} lists no pictures: there is no row below the header")
    return SourceListing(tuple(places.values()), (), "csv", file)


def without_positions(listing: SourceListing) -> SourceListing | None:
    """Return the pictures of a collection without any positions, each at ``NOWHERE``.

    Args:
        listing: The listing of a folder or a CSV file.

    Returns:
        The same collection with these pictures; None if a picture has a position, even an impossible one.
    """
    if listing.places or any(left.code in _FLAWED for left in listing.left_out):
        return None
    folder = listing.root if listing.root.is_dir() else listing.root.parent
    finder = PictureFinder(folder, listing.options.root)
    places: list[Place] = []
    others: list[LeftOut] = []
    for left in listing.left_out:
        path = finder.find(left.path)
        if left.code == LeftOutCode.NO_POSITION and isinstance(path, Path):
            places.append(Place(finder.id_of(path), path, NOWHERE))
        else:
            others.append(left)
    return replace(listing, places=tuple(places), left_out=tuple(others)) if places else None
