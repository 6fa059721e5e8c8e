"""Writes the documents that are made of the code: ``python -m docs.generated``, or ``make openapi``.

``openapi.json`` is the contract over HTTP, of a service with keys; ``reference.md`` lists commands, exit codes,
settings, metrics and errors. A test compares both with the code, so that no change of them goes unseen.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer
from prometheus_client.metrics import MetricWrapperBase
from rich.text import Text

from model.errors import PlacefixError
from placefix.command_line import app as command_line
from placefix.exit_codes import ExitCode
from service.app import create_app
from service.key_file import append_key
from service.keys import Scope, make_key
from service.metrics import Metrics
from service.problems import PROBLEM_KINDS
from service.settings import ENVIRONMENT_PREFIX, ServiceSettings

FOLDER = Path(__file__).parent

_INTRODUCTION = """\
# Reference

Commands, exit codes, settings, metrics and errors, as the code has them. This file is written by `make openapi`; the
contract over HTTP is [openapi.json](openapi.json).
"""
ERROR_ROOMS = (
    "model.errors",
    "model.picture_errors",
    "model.weights_errors",
    "model.training.errors",
    "place_map.errors",
    "index_builder.errors",
    "service.errors",
)


def openapi_document() -> str:
    """Make the OpenAPI document of a service with keys, which says the most."""
    with TemporaryDirectory() as folder:
        keys = Path(folder) / "keys"
        _, line = make_key("all", list(Scope))
        append_key(keys, "all", line)
        document = create_app(ServiceSettings(keys=keys)).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def reference() -> str:
    """Make the list of all that has a name from outside."""
    sections = {
        "Commands": "\n".join(_commands(typer.main.get_command(command_line), "placefix")).strip() + "\n",
        "Exit codes": _table(("code", "meaning"), [(str(code.value), code.meaning) for code in ExitCode]),
        "Settings": _table(("variable", "flag", "default", "meaning"), _settings()),
        "Metrics": _table(("metric", "kind", "meaning"), _metrics()),
        "Errors": _table(("code", "below", "status", "meaning"), _errors()),
    }
    return _INTRODUCTION + "".join(f"\n## {title}\n\n{content}" for title, content in sections.items())


DOCUMENTS = {"openapi.json": openapi_document, "reference.md": reference}
"""The files of this folder that are made of the code, with what makes them."""


def _commands(command: Any, path: str) -> Iterator[str]:
    """A heading, a sentence and a table of options for each command below a command."""
    children: Mapping[str, Any] = getattr(command, "commands", {})
    if children:
        for name, child in children.items():
            yield from _commands(child, f"{path} {name}")
        return
    yield f"### `{path}`\n"
    yield Text.from_markup(command.help or "").plain.strip().partition("\n\n")[0].replace("\n", " ") + "\n"
    options = [
        (_spelling(each), _default(each.default), _plain(each.help)) for each in command.params if not each.hidden
    ]
    if options:
        yield _table(("option", "default", "meaning"), options)


def _spelling(parameter: Any) -> str:
    spellings = [*parameter.opts, *parameter.secondary_opts]
    if not spellings[0].startswith("-"):
        return f"`{parameter.name.upper()}`"
    return ", ".join(f"`{spelling}`" for spelling in spellings)


def _settings() -> Iterator[tuple[str, ...]]:
    serve = typer.main.get_command(command_line).commands["serve"]  # type: ignore[attr-defined]
    flags = {parameter.name: _spelling(parameter) for parameter in serve.params}
    for name, setting in ServiceSettings.model_fields.items():
        default = None if setting.default_factory else setting.default
        variable = f"`{ENVIRONMENT_PREFIX}{name.upper()}`"
        yield variable, flags.get(name, ""), _default(default), _plain(setting.description)


def _metrics() -> Iterator[tuple[str, ...]]:
    for collector in vars(Metrics("1")).values():
        if isinstance(collector, MetricWrapperBase):
            [family] = collector.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = ",".join(collector._labelnames)
            yield f"`{name}{{{labels}}}`" if labels else f"`{name}`", family.type, family.documentation


def _errors() -> Iterator[tuple[str, ...]]:
    for room in ERROR_ROOMS:
        import_module(room)

    def below(kind: type[PlacefixError]) -> Iterator[tuple[str, ...]]:
        for child in sorted(kind.__subclasses__(), key=lambda each: each.code):
            if child.__module__ not in ERROR_ROOMS:
                continue
            problem = PROBLEM_KINDS.get(child.code)
            status = "" if problem is None else str(problem.status)
            yield f"`{child.code}`", f"`{kind.code}`", status, _plain((child.__doc__ or "").partition("\n")[0])
            yield from below(child)

    yield from below(PlacefixError)


def _default(value: object) -> str:
    if value in (None, (), [], ""):
        return ""
    if isinstance(value, Path) and value.is_relative_to(FOLDER.parent):
        return str(value.relative_to(FOLDER.parent))
    return f"{value:g}" if isinstance(value, float) and value < 10**6 else str(value)


def _plain(text: str | None) -> str:
    return Text.from_markup(text or "").plain.replace("\n", " ").replace("|", "\\|")


def _table(heads: Sequence[str], rows: Any) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    for name, make in DOCUMENTS.items():
        (FOLDER / name).write_text(make(), "utf-8")
