"""The cache of weights: a folder with a name for each file.

It holds ``NAME.pth`` (fetched) or ``NAME.safetensors`` (imported, or fetched), and beside each fetched file
``NAME.pth.json`` with its address and SHA-256. This record outlives the file, so a second download is compared with the
first.
"""

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from model.durable import sha256_of, written_whole
from model.errors import InvalidInput
from model.published_weights import PUBLISHED
from model.starter.package_weights import FILE_IN_PACKAGE, find_starter_file
from model.weights_errors import WeightsError

CACHE_VARIABLE = "PLACEFIX_CACHE"
IMPORTED_SUFFIX = ".safetensors"
AUTO = "auto"  # the best available network
STARTER = "starter"  # part of Placefix
PREFERRED = ("selavpr_msls", "selavpr_pitts30k")  # preferred to the starter, in this order
BETTER_THAN_STARTER = f"placefix weights fetch {PREFERRED[0]} gets a better one, for maps that are built afterwards"
_SUFFIXES = (IMPORTED_SUFFIX, ".pth")
_SHOWN = 9  # names in a message
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class DownloadRecord:
    """Hold the record of a download.

    Attributes:
        url: The address of the download.
        sha256: The SHA-256 of the file, 64 hex digits.
        size_bytes: The size of the file.
    """

    url: str
    sha256: str
    size_bytes: int


class WeightsCache:
    """Find and record the weights files below one folder.

    Attributes:
        folder: The folder of the files; it need not exist yet.
    """

    def __init__(self, root: Path | None = None) -> None:
        """Take the given root, the one in ``PLACEFIX_CACHE``, or the user's cache folder."""
        self.folder = (root if root is not None else default_cache_root()) / "weights"

    def path_of(self, name: str, suffix: str) -> Path:
        """Return the path of the file of a name, whether or not it exists.

        Raises:
            InvalidInput: The name cannot be a file name on every system.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r} cannot name weights: use up to 100 letters, digits, '.', '_' and '-', and begin with a "
                "letter, a digit or '_'; give another with --name"
            )
        return self.folder / f"{name}{suffix}"

    def find(self, name: str) -> Path | None:
        """Return the file of a name, if it exists."""
        if not _NAME.fullmatch(name):
            return None
        paths = (self.path_of(name, suffix) for suffix in _SUFFIXES)
        return next((path for path in paths if path.is_file()), None)

    def names(self) -> tuple[str, ...]:
        """Return the names of all files, sorted."""
        if not self.folder.is_dir():
            return ()
        files = (path for path in self.folder.iterdir() if path.suffix in _SUFFIXES and not path.name.startswith("."))
        return tuple(sorted({path.stem for path in files}))

    def record_of(self, path: Path) -> DownloadRecord | None:
        """Return the record of a download, whether or not the file still exists.

        Raises:
            WeightsError: The record is damaged.
        """
        record_path = _record_path(path)
        try:
            return DownloadRecord(**json.loads(record_path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise WeightsError(
                f"{record_path}, which remembers the checksum of {path.name}, cannot be read ({error}); delete both "
                "files and fetch again"
            ) from error

    def remember(self, path: Path, record: DownloadRecord) -> None:
        """Write the record of a download.

        Raises:
            WeightsError: The record cannot be written.
        """
        record_path = _record_path(path)
        try:
            with written_whole(record_path) as unfinished:
                unfinished.write_text(json.dumps(asdict(record), indent=2) + "\n", "utf-8")
        except OSError as error:
            raise WeightsError(f"{record_path} cannot be written: {error.strerror}") from error

    def check(self, path: Path) -> None:
        """Compare a fetched file with its recorded checksum; an imported file checks itself when it is loaded.

        Raises:
            WeightsError: The file has changed since it was fetched.
        """
        record = self.record_of(path)
        if record is None:
            return
        actual = sha256_of(path)
        if actual != record.sha256:
            raise WeightsError(
                f"{path} has changed since it was downloaded: its SHA-256 was {record.sha256} and is now {actual}; "
                f"download it again with: placefix weights fetch {_fetch_arguments(path.stem, record.url)}"
            )


def default_cache_root() -> Path:
    """Return ``PLACEFIX_CACHE``, or the operating system's folder for caches."""
    configured = os.environ.get(CACHE_VARIABLE)
    if configured:
        return Path(configured).expanduser()
    import platformdirs  # noqa: PLC0415 not needed to load a network by its path

    return platformdirs.user_cache_path("placefix", appauthor=False)


@dataclass(frozen=True)
class ChosenName:
    """Hold the weights that ``auto`` stands for.

    Attributes:
        name: The name for ``resolve_weights``.
        reason: The reason, for people.
    """

    name: str
    reason: str


def choose_name(cache: WeightsCache) -> ChosenName:
    """Return the best available network, which ``auto`` stands for, without fetching."""
    found = next((name for name in PREFERRED if cache.find(name) is not None), None)
    if found is not None:
        return ChosenName(found, "the best network that is here")
    return ChosenName(STARTER, f"no published network is here; {BETTER_THAN_STARTER}")


def resolve_weights(value: str, cache: WeightsCache | None = None) -> Path:
    """Find the file for a value of ``--weights``.

    Args:
        value: ``auto``, a path, ``starter``, or a name in the cache.
        cache: The cache of names; by default the user's.

    Raises:
        WeightsError: Neither a file nor a name matches, and the message lists the names and how to get more; or a
            fetched file has changed.
    """
    cache = cache or WeightsCache()
    if value == AUTO:
        value = choose_name(cache).name
    given = Path(value).expanduser()
    if given.is_file():
        return given
    if value == STARTER:
        return find_starter_file()
    cached = cache.find(value)
    if cached is not None:
        cache.check(cached)
        return cached
    if given.is_dir():
        raise WeightsError(f"{given} is a folder; name the checkpoint file in it")
    published = PUBLISHED.get(value)
    if published is not None:
        raise WeightsError(f"the weights {value} are not in the cache {cache.folder} yet; {published.advice}")
    known = ", ".join(cache.names()) or "nothing yet"
    raise WeightsError(
        f"{value!r} is neither a file nor the name of weights in the cache {cache.folder} (which holds: {known}). "
        f"Get some with: placefix weights fetch NAME (NAME one of {some_names(_fetchable())}), or bring a file with: "
        "placefix weights import FILE"
    )


def licence_of(path: Path | None, cache: WeightsCache | None = None) -> str | None:
    """Return the licence of a weights file that is known by its name: in the cache, or in an installed package.

    Args:
        path: The file, as ``resolve_weights`` returns it.
        cache: The cache; by default the one of the environment.
    """
    if path is None:
        return None
    if path.name == Path(FILE_IN_PACKAGE).name:
        return PUBLISHED[STARTER].licence if path.resolve() == find_starter_file().resolve() else None
    cached = (cache or WeightsCache()).find(path.stem) if path.stem in PUBLISHED else None
    return PUBLISHED[path.stem].licence if cached is not None and cached.resolve() == path.resolve() else None


def some_names(names: tuple[str, ...]) -> str:
    """Return the first few of the published names, and the command that lists all."""
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more, which placefix weights list shows" if names[_SHOWN:] else shown


def normalised_sha256(given: str) -> str:
    """Return a SHA-256 as 64 lower-case hex digits, for comparison.

    Raises:
        InvalidInput: The text is not a SHA-256.
    """
    normalised = given.strip().lower()
    if not _SHA256.fullmatch(normalised):
        raise InvalidInput(f"{given!r} is not a SHA-256, which has 64 digits from 0 to 9 and a to f")
    return normalised


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _fetch_arguments(name: str, url: str) -> str:
    published = PUBLISHED.get(name)
    is_published = published is not None and any(way.url == url for way in published.ways)
    return name if is_published else f"{url} --name {name}"


def _fetchable() -> tuple[str, ...]:
    return tuple(name for name, published in PUBLISHED.items() if published.ways)
