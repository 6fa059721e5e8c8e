"""Writes the documents that are made of the code: ``python -m docs.generated``, or ``make reference``.

``openapi.json`` is the contract over HTTP, of a service with keys; ``reference.md`` lists commands, exit codes,
settings, HTTP, metrics and errors. A test compares both with the code, so that no change of them goes unseen.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_origin

import typer
from prometheus_client.metrics import MetricWrapperBase
from pydantic import TypeAdapter
from rich.text import Text

from model.errors import PlacefixError
from placefix.command_line import app as command_line
from placefix.commands.renamed_options import RENAMED as RENAMED_OPTIONS
from placefix.exit_codes import ExitCode
from service.app import create_app
from service.earlier_settings import REMOVED as REMOVED_SETTINGS
from service.earlier_settings import RENAMED as RENAMED_SETTINGS
from service.key_file import append_key
from service.keys import Scope, make_key
from service.metrics import Metrics
from service.problems import INTERNAL_ERROR_CODE, PROBLEM_KINDS
from service.settings import ENVIRONMENT_PREFIX, ServiceSettings

FOLDER = Path(__file__).parent

_INTRODUCTION = """\
# Reference

This page lists every command, setting, path, answer, metric and error. `make reference` writes it from the code; do not
change it by hand.

[Commands](#commands) · [Exit codes](#exit-codes) · [Settings](#settings) · [HTTP](#http) · [Answers](#answers) ·
[Metrics](#metrics) · [Errors](#errors) · [Earlier names](#earlier-names)
"""
_COMMANDS = """\
Each command has `--help`, and `python -m placefix` is the same command line. The variable behind an option counts
if the option is not given.

"""
_SETTINGS = """\
The server takes a setting from its flag, else from the environment, else from the file of settings: a TOML file
(`--settings`, `PLACEFIX_SETTINGS`) with the names in small letters and without prefix. `placefix localize` and
`placefix show results` use the same settings. An unknown name that begins with `PLACEFIX_` gives a warning. The status
in brackets is the answer to a request that exceeds the limit.

"""
_HTTP = """\
The parameters of `POST /localize` may also be fields of the form. [http.md](http.md) says what they mean together;
 [openapi.json](openapi.json) is the same for programs.

"""
_METRICS = "Seconds and other base units. Labels come from closed sets, never from the texts of clients.\n\n"
_ERRORS = "A code stays the same between releases. A code with a status may be the `code` of an answer over HTTP.\n\n"
ERROR_ROOMS = (
    "model.errors",
    "model.picture_errors",
    "model.weights_errors",
    "model.training.errors",
    "place_map.errors",
    "index_builder.errors",
    "service.errors",
    "placefix.client.errors",
    "placefix.geotagging.errors",
)


@cache
def openapi_document() -> str:
    """Make the OpenAPI document of a service with keys, which says the most."""
    with TemporaryDirectory() as folder:
        keys = Path(folder) / "keys"
        _, line = make_key("all", list(Scope))
        append_key(keys, "all", line)
        document = create_app(ServiceSettings(keys=keys)).openapi()
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text("utf-8"))["project"]
    document["info"]["version"] = project["version"]  # an editable install may still have the one before
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def reference() -> str:
    """Make the list of all that has a name from outside."""
    http = json.loads(openapi_document())
    sections = {
        "Commands": _COMMANDS + _blocks(_commands(typer.main.get_command(command_line), "placefix")),
        "Exit codes": _table(("code", "meaning"), [(str(code.value), code.meaning) for code in ExitCode]),
        "Settings": _SETTINGS + _table(("variable", "flag", "value", "default", "meaning"), _settings()),
        "HTTP": _HTTP + _blocks(_paths(http)),
        "Answers": _blocks(_answers(http)),
        "Metrics": _METRICS + _table(("metric", "kind", "meaning"), _metrics()),
        "Errors": _ERRORS + _table(("code", "below", "status", "meaning"), _errors()),
        "Earlier names": "They still work, with a warning. A removed setting may state only the lasting value.\n\n"
        + _table(("earlier", "now"), _earlier_names()),
    }
    return _INTRODUCTION + "".join(f"\n## {title}\n\n{content}" for title, content in sections.items())


DOCUMENTS: Mapping[str, Callable[[], str]] = {"openapi.json": openapi_document, "reference.md": reference}
"""File of this folder that is made of the code → its maker."""


def _commands(command: Any, path: str) -> Iterator[str]:
    """Yield a heading, a sentence and a table of options for each command below a command."""
    children: Mapping[str, Any] = getattr(command, "commands", {})
    if children:
        for name, child in children.items():
            yield from _commands(child, f"{path} {name}")
        return
    yield f"### `{path}`\n"
    yield Text.from_markup(command.help or "").plain.strip().partition("\n\n")[0].replace("\n", " ") + "\n"
    options = [
        (_spelling(each), _option_value(each), _option_default(each), _plain(each.help))
        for each in command.params
        if not each.hidden
    ]
    if options:
        yield _table(("option", "value", "default", "meaning"), options)


def _spelling(parameter: Any) -> str:
    spellings = [*parameter.opts, *parameter.secondary_opts]
    if _is_argument(parameter):
        return f"`{parameter.metavar or parameter.name.upper()}`"
    if isinstance(parameter.envvar, str):
        spellings.append(parameter.envvar)
    return ", ".join(f"`{spelling}`" for spelling in spellings)


def _is_argument(parameter: Any) -> bool:
    return not parameter.opts[0].startswith("-")


def _option_value(parameter: Any) -> str:
    if parameter.metavar and not _is_argument(parameter):
        return f"`{parameter.metavar}`"
    kind = parameter.type_descriptor.annotation
    if get_origin(kind) is list:
        [kind] = get_args(kind)
    if kind is bool:
        return ""
    return _value(TypeAdapter(kind).json_schema() | {"minimum": parameter.min, "maximum": parameter.max})


def _option_default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(getattr(parameter, "show_default", None), str):
        return str(parameter.show_default)
    if isinstance(parameter.default, bool):
        on = parameter.opts if parameter.default else parameter.secondary_opts
        return f"`{on[0]}`" if on else ""
    return _default(parameter.default)


def _settings() -> Iterator[tuple[str, ...]]:
    serve = typer.main.get_command(command_line).commands["serve"]  # type: ignore[attr-defined]
    flags = {parameter.name: f"`{parameter.opts[0]}`" for parameter in serve.params}
    values = ServiceSettings.model_json_schema()["properties"]
    for name, setting in ServiceSettings.model_fields.items():
        default = None if setting.default_factory else setting.default
        variable = f"`{ENVIRONMENT_PREFIX}{name.upper()}`"
        yield variable, flags.get(name, ""), _value(values[name]), _default(default), _plain(setting.description)


def _paths(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a heading, a description, a table of parameters and one of statuses for each path and method."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"### `{method.upper()} {path}`\n"
            yield _sentences(operation["summary"], operation.get("description")) + "\n"
            parameters = [
                (f"`{each['name']}`", _value(each["schema"]), _plain(each.get("description")))
                for each in operation.get("parameters", ())
            ]
            if parameters:
                yield _table(("parameter", "value", "meaning"), parameters)
            statuses = [
                (status, _answer_link(response) or _plain(response["description"]))
                for status, response in operation["responses"].items()
            ]
            yield _table(("status", "answer"), statuses)


def _answers(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a heading, a sentence and a table of fields for each JSON object that is answered."""
    for name, schema in document["components"]["schemas"].items():
        yield f"### {name}\n"
        yield _plain(schema.get("description")) + "\n"
        fields = schema.get("properties", {}).items()
        yield _table(
            ("field", "value", "meaning"),
            [(f"`{field}`", _value(each, or_null=True), _plain(each.get("description"))) for field, each in fields],
        )


def _answer_link(response: Mapping[str, Any]) -> str:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return _value(schema) if "$ref" in schema else ""


def _metrics() -> Iterator[tuple[str, ...]]:
    metrics = Metrics("1")
    for collector in (*vars(metrics).values(), *vars(metrics.maps).values()):
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
    of_http = {HTTPStatus.NOT_FOUND: "not_found", HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed"}
    for status, code in of_http.items():
        yield f"`{code}`", "", str(status.value), f"{status.description}."
    yield f"`{INTERNAL_ERROR_CODE}`", "", "500", "Something unexpected failed; the service's log has the reason."


def _earlier_names() -> Iterator[tuple[str, ...]]:
    for old, new in RENAMED_OPTIONS.items():
        yield f"`{old}`", f"`{new}`"
    for old, new in RENAMED_SETTINGS.items():
        yield f"`{ENVIRONMENT_PREFIX}{old.upper()}`", f"`{ENVIRONMENT_PREFIX}{new.upper()}`"
    for name, removed in REMOVED_SETTINGS.items():
        yield f"`{ENVIRONMENT_PREFIX}{name.upper()}`", "; ".join(filter(None, (removed.holds, removed.instead)))


def _value(schema: Mapping[str, Any], *, or_null: bool = False) -> str:
    """Return in words which values a JSON schema allows; null is said only where it is a value of its own."""
    if "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
        null = " or null" if or_null and len(kinds) < len(schema["anyOf"]) else ""
        return " or ".join(_value(each) for each in kinds) + null
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_value(schema['items'])}"
    return _bounded(schema.get("format") or schema["type"], schema)


def _bounded(kind: str, bounds: Mapping[str, Any]) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "and below"}
    said = [f"{word} {bounds[key]:g}" for key, word in words.items() if bounds.get(key) is not None]
    return " ".join([kind, *said])


def _default(value: object) -> str:
    if value in (None, (), [], ""):
        return ""
    if isinstance(value, Path) and value.is_relative_to(FOLDER.parent):
        value = value.relative_to(FOLDER.parent)
    return f"`{value:g}`" if isinstance(value, float) and value < 10**6 else f"`{value}`"


def _sentences(summary: str, description: str | None) -> str:
    ended = summary if summary.endswith(("?", ".")) else f"{summary}."
    return f"{ended} {_plain(description)}".strip()


def _plain(text: str | None) -> str:
    return " ".join(Text.from_markup(text or "").plain.split())


def _blocks(lines: Iterable[str]) -> str:
    return "\n".join(lines).strip() + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = ((cell.replace("|", "\\|") for cell in row) for row in rows)
    lines = [heads, ["---"] * len(heads), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    for name, make in DOCUMENTS.items():
        (FOLDER / name).write_text(make(), "utf-8")
