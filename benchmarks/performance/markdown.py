"""Tables as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Figures: TypeAlias = Mapping[str, Any]
"""What a benchmark has written."""

NO_FIGURE = "–"
"""What stands in a table for what was not measured."""


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A table whose first columns are text and the others numbers."""
    aligned = ["---" if number < left else "---:" for number in range(len(headings))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, aligned, *rows))
