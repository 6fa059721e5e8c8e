"""Read a TOML file of settings, which counts after flags and environment, and before the defaults."""

import difflib
import tomllib
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from model.errors import InvalidInput
from service.earlier_settings import told_of_old_names, under_new_names
from service.settings import ServiceSettings

_PATHS = ("maps", "keys", "samples")


def settings_from(path: Path) -> type[ServiceSettings]:
    """Return the settings, with a file among their sources.

    Args:
        path: A TOML file: ``port = 9000``, ``maps = ["maps/lund", "maps/malmo"]``; names as in ``ServiceSettings``.
            Relative paths in it start at its folder.

    Raises:
        InvalidInput: The file cannot be read, is not TOML, or names an unknown setting.
    """
    read = _read(path)
    found = under_new_names(read, where=f"{path}: ")
    _check_names(path, found)
    for name in _PATHS:
        if name in found:
            found[name] = _below(path.parent, found[name])

    class SettingsWithFile(ServiceSettings):
        notes = told_of_old_names(read, where=f"{path}: ")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Read flags, environment, file."""
            sources = super().settings_customise_sources(
                settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
            )
            return *sources, InitSettingsSource(settings_cls, found)

    return SettingsWithFile


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # Windows programs write a byte order mark first
    except OSError as error:
        raise InvalidInput(f"the file of settings {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the file of settings {path} is not TOML: {error}") from error


def _check_names(path: Path, found: dict[str, Any]) -> None:
    known = ServiceSettings.model_fields
    for name in found:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise InvalidInput(f"{path}: there is no setting {name}{hint}")


def _below(folder: Path, value: object) -> object:
    """Make paths start at a folder; values that are not paths are left for the settings to refuse."""
    if isinstance(value, list):
        return tuple(_below(folder, each) for each in value)
    return folder / value if isinstance(value, str) else value
