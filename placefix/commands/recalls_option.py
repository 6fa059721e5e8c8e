"""The option ``--recalls``, as the field's evaluators take it."""

from typing import Any

from model.errors import InvalidInput
from placefix.commands.renamed_options import RenamingCommand
from placefix.evaluation.published import PublishedRow


class EvaluateCommand(RenamingCommand):
    """A command that takes ``--recalls 1 5 10 20``, as the field's evaluators do, beside ``--recalls 1,5,10,20``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Join the numbers behind ``--recalls``."""
        joined: list[str] = []
        for position, arg in enumerate(args):
            is_value = bool(joined) and arg.isdecimal() and _opens_recalls(args, position)
            if is_value and joined[-1] != "--recalls":
                joined[-1] += f",{arg}"
            else:
                joined.append(arg)
        return super().parse_args(ctx, joined)


def _opens_recalls(args: list[str], position: int) -> bool:
    """Return whether there is nothing but numbers between ``--recalls`` and a position."""
    while position > 0 and args[position - 1].isdecimal():
        position -= 1
    return position > 0 and args[position - 1] == "--recalls"


def recall_values(text: str, row: PublishedRow | None) -> tuple[int, ...]:
    """Return each N of recall@N, ascending: those asked for, and those of a published row.

    Raises:
        InvalidInput: Something that is asked for is no whole number.
    """
    try:
        values = {int(value) for value in text.replace(",", " ").split()}
    except ValueError as error:
        raise InvalidInput(f"--recalls takes whole numbers, as in --recalls 1 5 10 20, not {text!r}") from error
    if row is not None:
        values |= row.before.keys() | row.after.keys()
    return tuple(sorted(values))
