"""Tables as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Figures: TypeAlias = Mapping[str, Any]
"""What a benchmark has written."""


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A table whose first columns are text and the others numbers."""
    aligned = ["---" if number < left else "---:" for number in range(len(headings))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, aligned, *rows))
