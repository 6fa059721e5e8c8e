"""Tables inside a document that is written by hand, each between two marks, and replaced by new results."""

import re
from collections.abc import Mapping

from model.errors import InvalidInput


def fill(text: str, parts: Mapping[str, str]) -> str:
    """Replace the text between ``<!-- table: NAME -->`` and ``<!-- end -->``; other marks are left alone.

    Args:
        text: The document.
        parts: Name → new content, without line breaks around it.

    Raises:
        InvalidInput: A part has no mark, or a mark has no end.
    """
    for name, content in parts.items():
        pattern = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        count = len(pattern.findall(text))
        if count != 1:
            raise InvalidInput(
                f"the document needs one <!-- table: {name} --> with an <!-- end --> behind it; it has {count}"
            )
        text = pattern.sub(rf"\g<1>{_escaped(content)}\n\g<2>", text)
    return text


def _escaped(content: str) -> str:
    return content.replace("\\", "\\\\")
