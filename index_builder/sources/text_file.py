"""Text files in UTF-8, in UTF-16, or in the encoding of Windows programs."""

import codecs
from pathlib import Path

from index_builder.errors import SourceError

ANSI = "cp1252"
"""The encoding that Windows programs call ANSI, in Western Europe and America."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read_text(file: Path, form: str, *, may_be_ansi: bool = False) -> str:
    """Return the text of a file.

    Args:
        file: The file, in UTF-8, or in UTF-16 with a byte order mark.
        form: The expected form of the file, for the message: ``CSV``, ``JSON``.
        may_be_ansi: Whether a file that is not UTF-8 is read as Windows-1252, in which Excel saves CSV.

    Raises:
        SourceError: The file cannot be read, or has another encoding; with the line.
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
                pass  # the error below names the expected encoding
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{file} is not {encoding.upper()} (line {line}): save it as {form} with the encoding UTF-8"
        ) from error
