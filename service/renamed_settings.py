"""Rename old settings: the old names still work, and a note tells of the new ones."""

from collections.abc import Iterable, Mapping

from model.errors import InvalidInput

RENAMED: Mapping[str, str] = {"encoding": "network_precision", "precision": "matching_precision"}


def under_new_names(found: Mapping[str, object], where: str = "", prefix: str = "") -> dict[str, object]:
    """Put the new names of settings in the place of old ones.

    Args:
        found: The settings, by name.
        where: The source of the settings, for messages: "settings.toml: ".
        prefix: The start of all names in this source, for messages.

    Raises:
        InvalidInput: A setting is given under both names, with different values.
    """
    named = {name: value for name, value in found.items() if name not in RENAMED}
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
        InvalidInput: A setting is given under both names, with different values.
    """
    spelled = {
        name.upper(): value for name, value in environment.items() if value
    }  # pydantic-settings reads them like this
    given = {
        name: spelled[_spelled(name, prefix)]
        for name in (*RENAMED, *RENAMED.values())
        if _spelled(name, prefix) in spelled
    }
    return under_new_names(given, prefix=prefix)


def told_of_old_names(names: Iterable[str], where: str = "", prefix: str = "") -> list[str]:
    """Return a sentence for each old name among names of settings."""
    return [
        f"{where}{_spelled(name, prefix)} is now called {_spelled(RENAMED[name], prefix)}; the old name goes on working"
        for name in names
        if name in RENAMED
    ]


def _spelled(name: str, prefix: str) -> str:
    return prefix + name.upper() if prefix else name
