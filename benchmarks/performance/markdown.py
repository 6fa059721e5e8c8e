"""Tables in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Figures: TypeAlias = Mapping[str, Any]
"""The figures of a benchmark."""

NO_FIGURE = "–"
"""The text of a cell without a measurement."""


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return a table whose first columns are text and the others numbers."""
    aligned = ["---" if number < left else "---:" for number in range(len(headings))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, aligned, *rows))
