"""Text files as they arrive: in UTF-8 or UTF-16, or as Windows programs save them."""

import codecs
from pathlib import Path

from index_builder.errors import SourceError

ANSI = "cp1252"
"""What Windows programs call ANSI, in Western Europe and America."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read_text(file: Path, form: str, *, may_be_ansi: bool = False) -> str:
    """Return the text of a file.

    Args:
        file: UTF-8, or UTF-16 with a byte order mark.
        form: What the file ought to be saved as, for the message: ``CSV``, ``JSON``.
        may_be_ansi: Whether what is not UTF-8 is taken for Windows-1252, as Excel saves CSV.

    Raises:
        SourceError: It cannot be read, or its encoding is another; with the line.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}") from error
    mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8"))
    try:
        return content.removeprefix(mark).decode(encoding)
    except UnicodeDecodeError as error:
        if may_be_ansi and not mark:
            try:
                return content.decode(ANSI)
            except UnicodeDecodeError:
                pass  # told as what it ought to be
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{file} is not {encoding.upper()} (line {line}): save it as {form} with the encoding UTF-8"
        ) from error
