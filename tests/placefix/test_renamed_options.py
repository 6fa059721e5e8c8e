"""Options of earlier releases: old names work with a warning, and removed options are refused with the reason."""

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from model.errors import InvalidInput
from placefix.command_line import app
from placefix.commands.renamed_options import REMOVED, RenamingCommand, RerankingCommand
from service.words import Rerank

small = typer.Typer()


@small.command(cls=RenamingCommand)
def show(words: list[str], network_precision: str = "auto", size: str = "") -> None:
    """Print the given values."""
    typer.echo(f"{words} {network_precision} {size}")


@small.command(cls=RerankingCommand)
def rank(words: Annotated[list[str] | None, typer.Argument()] = None, rerank: Rerank = "auto") -> None:
    """Print the given values, too."""
    typer.echo(f"{rerank} {words or []}")


@pytest.mark.parametrize(
    ("arguments", "printed", "is_warned"),
    [
        (["--encoding", "float32", "a"], "['a'] float32", True),
        (["a", "--encoding=float32"], "['a'] float32", True),
        (["a", "--network-precision", "float32"], "['a'] float32", False),
        (["a", "--network-precision=float32", "--encoding", "float32"], "['a'] float32", True),
        (["--", "--encoding", "float32"], "['--encoding', 'float32'] auto", False),
        (["a", "--size", "encoding"], "['a'] auto encoding", False),
    ],
)
def test_an_old_name_works_with_a_warning(arguments: list[str], printed: str, is_warned: bool) -> None:
    result = CliRunner().invoke(small, ["show", *arguments])
    assert result.exit_code == 0, result.output
    assert printed in result.stdout
    assert ("--encoding is now called --network-precision" in result.stderr) == is_warned


def test_both_names_contradict_each_other() -> None:
    result = CliRunner().invoke(small, ["show", "a", "--encoding", "float32", "--network-precision", "bfloat16"])
    assert isinstance(result.exception, InvalidInput)
    assert "--network-precision bfloat16 and --encoding float32 contradict each other" in result.exception.message


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ([], "auto []"),
        (["--rerank"], "always []"),
        (["--no-rerank"], "never []"),
        (["--rerank", "a"], "always ['a']"),
        (["a", "--no-rerank", "b"], "never ['a', 'b']"),
        (["--rerank", "never", "a"], "never ['a']"),
        (["--rerank", "always"], "always []"),
        (["--rerank=auto"], "auto []"),
        (["--rerank", "--", "auto", "--no-rerank"], "always ['auto', '--no-rerank']"),
    ],
)
def test_rerank_takes_a_word_and_its_flags_of_before(arguments: list[str], printed: str) -> None:
    result = CliRunner().invoke(small, ["rank", *arguments])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{printed}\n"
    assert result.stderr == ""


def test_another_word_for_rerank_is_refused() -> None:
    result = CliRunner().invoke(small, ["rank", "--rerank=perhaps"], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "'perhaps' is not one of 'auto', 'always', 'never'" in result.stderr


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("build", ["--encoding"]),
        ("localize", ["--encoding"]),
        ("encode", ["--encoding"]),
        ("evaluate", ["--encoding", "--precision"]),
        ("serve", ["--encoding", "--precision"]),
    ],
)
def test_every_command_that_had_the_old_names_takes_them(command: str, options: list[str]) -> None:
    for option in options:
        result = CliRunner().invoke(app, [command, option, "unheard-of"], env={"COLUMNS": "200"})
        assert result.exit_code == 2
        assert f"{option} is now called" in result.stderr
        assert "'unheard-of' is not one of" in result.stderr
        assert "-precision'" in result.stderr


def test_help_knows_the_new_names_only() -> None:
    printed = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).output
    assert "--network-precision" in printed
    assert "--matching-precision" in printed
    assert "--encoding" not in printed
    assert " --precision" not in printed


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *((["serve"], option) for option in sorted(REMOVED)),
        *((command.split(), "--num-heads") for command in ("localize", "add", "update", "calibrate", "verify")),
        (["map", "outliers"], "--num-heads"),
        (["show", "results"], "--num-heads"),
    ],
)
def test_a_removed_option_is_refused_with_the_reason(command: list[str], option: str) -> None:
    error = CliRunner().invoke(app, [*command, option, "4"]).exception
    assert isinstance(error, InvalidInput)
    assert f"{option} is no longer an option of " in error.message
    assert f"{' '.join(command)}: {REMOVED[option]}; leave it out" in error.message


def test_a_word_like_a_removed_option_behind_the_options_is_a_word() -> None:
    assert CliRunner().invoke(small, ["show", "--", "--num-heads"]).stdout.startswith("['--num-heads'] ")
