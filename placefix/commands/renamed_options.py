"""Options of earlier releases: a renamed one still works, with a warning; a removed one is refused with advice."""

from collections.abc import Mapping
from typing import Any, get_args

from typer.core import TyperCommand

from model.errors import InvalidInput
from placefix.console import error_console
from service.words import Rerank

RENAMED: Mapping[str, str] = {"--encoding": "--network-precision", "--precision": "--matching-precision"}
REMOVED: Mapping[str, str] = {
    "--match-floor": "every query takes the floor of the map; build the map with --match-floor",
    "--num-heads": "the map states the attention heads of its network",
    "--searcher": "faiss searches if it can use the device, and torch otherwise",
}
"""Option → the reason why some commands no longer have it."""

_RERANK_WORDS = [[word] for word in get_args(Rerank)]


class RenamingCommand(TyperCommand):
    """Accept the options of a command under their old names, too, and explain removed ones."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the new names in the place of the old ones.

        Raises:
            InvalidInput: An option is given under both names, with different values; or a removed option is given.
        """
        known = {name for parameter in self.params for name in parameter.opts}
        options = args[: args.index("--")] if "--" in args else args
        for name in REMOVED.keys() - known:
            if any(_is_option(each, name) for each in options):
                raise InvalidInput(
                    f"{name} is no longer an option of {ctx.command_path}: {REMOVED[name]}; leave it out"
                )
        for old, new in RENAMED.items():
            if new in known and old not in known:
                args = _renamed(args, old, new)
        return super().parse_args(ctx, args)


class RerankingCommand(RenamingCommand):
    """Accept ``--rerank`` with a word, or as a flag as it was before there was ``auto``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put words in the place of flags."""
        return super().parse_args(ctx, _with_rerank_words(args))


def _renamed(args: list[str], old: str, new: str) -> list[str]:
    end = args.index("--") if "--" in args else len(args)  # behind it there are no options
    options, rest = args[:end], args[end:]
    given = {name: _values_of(options, name) for name in (old, new)}
    if not given[old]:
        return args
    if given[new] and given[old] != given[new]:
        raise InvalidInput(
            f"{new} {given[new][-1]} and {old} {given[old][-1]} contradict each other: {old} is the old name of the "
            "same; leave it out"
        )
    error_console().print(f"warning: {old} is now called {new}; the old name still works", soft_wrap=True)
    return [new + each.removeprefix(old) if _is_option(each, old) else each for each in options] + rest


def _with_rerank_words(args: list[str]) -> list[str]:
    """Return the arguments with ``--rerank WORD`` for the flags ``--rerank`` and ``--no-rerank``."""
    found: list[str] = []
    for position, each in enumerate(args):
        if each == "--":
            return found + args[position:]
        if each == "--no-rerank":
            found += ["--rerank", "never"]
        elif each == "--rerank" and args[position + 1 : position + 2] not in _RERANK_WORDS:
            found += ["--rerank", "always"]
        else:
            found.append(each)
    return found


def _values_of(args: list[str], name: str) -> list[str]:
    values = []
    for position, each in enumerate(args):
        if _is_option(each, name):
            values.append(each.partition("=")[2] if "=" in each else "".join(args[position + 1 : position + 2]))
    return values


def _is_option(argument: str, name: str) -> bool:
    return argument == name or argument.startswith(f"{name}=")
