"""Take settings of earlier releases: a renamed one still works; a removed one may state only its constant value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model.errors import InvalidInput


@dataclass(frozen=True)
class Removed:
    """Describe a setting that is gone.

    Attributes:
        value: The value that now always holds; None if each map has its own.
        instead: Advice to those who set another value; None if no value is refused, because only one can be right.
    """

    value: float | str | None
    instead: str | None

    @property
    def holds(self) -> str:
        """Return the lasting value in words."""
        if self.value is None:
            return "each map has its own"
        return f"it is always {self.value if isinstance(self.value, str) else format(self.value, 'g')}"


RENAMED: Mapping[str, str] = {"encoding": "network_precision", "precision": "matching_precision"}

_TIDY_FORM = "send pictures and the fields of docs/http.md alone"
REMOVED: Mapping[str, Removed] = {
    "match_floor": Removed(None, "build the map with --match-floor"),
    "num_heads": Removed(None, None),
    "searcher": Removed("auto", "install faiss for the device, which is then used"),
    "batch_delay_ms": Removed(0, "pictures that wait are encoded together without it (max_batch_size)"),
    "max_aspect_ratio": Removed(20, "crop longer pictures before they are sent"),
    "max_field_bytes": Removed(65_536, _TIDY_FORM),
    "max_form_fields": Removed(20, _TIDY_FORM),
    "max_form_files": Removed(4, _TIDY_FORM),
    "min_side_px": Removed(16, "enlarge smaller pictures before they are sent"),
    "min_upload_bytes_per_s": Removed(500, "set upload_timeout_s for clients on slow lines"),
    "probe_interval_s": Removed(60, "ask about a photo to try the device sooner"),
    "retry_after_s": Removed(1, "let the client wait longer after each refusal"),
}


def under_new_names(found: Mapping[str, object], where: str = "", prefix: str = "") -> dict[str, object]:
    """Put the new names of settings in the place of old ones.

    Args:
        found: The settings, by name.
        where: The source of the settings, for messages: "settings.toml: ".
        prefix: The start of all names in this source, for messages.

    Raises:
        InvalidInput: A setting is given under both names, with different values; or a removed one with another value
            than the one that always holds.
    """
    for name in REMOVED.keys() & found.keys():
        _check_removed(name, found[name], where, prefix)
    named = {name: value for name, value in found.items() if name not in RENAMED and name not in REMOVED}
    for old, new in RENAMED.items():
        if old not in found:
            continue
        if named.setdefault(new, found[old]) != found[old]:
            first, second = _spelled(new, prefix), _spelled(old, prefix)
            raise InvalidInput(
                f"{where}{first} and {second} contradict each other: {second} is the old name of the same; leave it out"
            )
    return named


def environment_under_new_names(environment: Mapping[str, str], prefix: str) -> dict[str, object]:
    """Return the settings that the environment gives under old names, by their new ones.

    Args:
        environment: All environment variables.
        prefix: The start of the names of settings among them.

    Raises:
        InvalidInput: As for ``under_new_names``.
    """
    spelled = {
        name.upper(): value for name, value in environment.items() if value
    }  # pydantic-settings reads them like this
    given = {
        name: spelled[_spelled(name, prefix)]
        for name in (*RENAMED, *RENAMED.values(), *REMOVED)
        if _spelled(name, prefix) in spelled
    }
    return under_new_names(given, prefix=prefix)


def told_of_old_names(names: Iterable[str], where: str = "", prefix: str = "") -> list[str]:
    """Return a sentence for each renamed and each removed setting among names of settings."""
    return [_told(name, where, prefix) for name in names if name in RENAMED or name in REMOVED]


def _told(name: str, where: str, prefix: str) -> str:
    spelled = where + _spelled(name, prefix)
    if name in REMOVED:
        return f"{spelled} is no longer a setting: {REMOVED[name].holds}; leave it out"
    return f"{spelled} is now called {_spelled(RENAMED[name], prefix)}; the old name still works"


def _check_removed(name: str, value: object, where: str, prefix: str) -> None:
    """Refuse a removed setting with another value than the one that always holds."""
    removed = REMOVED[name]
    try:
        holds = removed.value == (str(value) if isinstance(removed.value, str) else float(str(value)))
    except ValueError:
        holds = False
    if removed.instead is not None and not holds:
        raise InvalidInput(f"{_told(name, where, prefix)}, and {removed.instead}")


def _spelled(name: str, prefix: str) -> str:
    return prefix + name.upper() if prefix else name
