"""A TOML file of settings: what it says comes after flags and environment, and before the defaults."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, TomlConfigSettingsSource

from model.errors import InvalidInput
from service.settings import ServiceSettings

_PATHS = ("maps", "keys", "samples")


class _FileSource(TomlConfigSettingsSource):
    """The file; relative paths in it start at its folder."""

    def __call__(self) -> dict[str, Any]:
        found = dict(super().__call__())
        folder = Path(str(self.toml_file_path)).parent
        for name in _PATHS:
            value = found.get(name)
            if isinstance(value, str):
                found[name] = str(folder / value)
            elif isinstance(value, list):
                found[name] = tuple(str(folder / str(each)) for each in value)
        return found


def settings_from(path: Path) -> type[ServiceSettings]:
    """The settings, with a file among their sources.

    Args:
        path: A TOML file: ``port = 9000``, ``maps = ["maps/lund", "maps/malmo"]``; names as in ``ServiceSettings``.

    Raises:
        InvalidInput: It cannot be read, is no TOML, or names a setting that there is not.
    """
    _check(path, _read(path))

    class SettingsWithFile(ServiceSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Flags, environment, file."""
            return init_settings, env_settings, _FileSource(settings_cls, path)

    return SettingsWithFile


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInput(f"the file of settings {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the file of settings {path} is no TOML: {error}") from error


def _check(path: Path, found: Mapping[str, Any]) -> None:
    known = ServiceSettings.model_fields
    for name in found:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise InvalidInput(f"{path}: there is no setting {name}{hint}")
