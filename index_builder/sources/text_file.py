"""Text files as they arrive: UTF-8, with or without a byte order mark."""

from pathlib import Path

from index_builder.errors import SourceError


def read_utf8(file: Path, form: str) -> str:
    """The text of a file.

    Args:
        file: UTF-8.
        form: What the file ought to be saved as, for the message: ``CSV``, ``JSON``.

    Raises:
        SourceError: It cannot be read, or is not UTF-8; with the line.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{file} is not UTF-8 (line {line}): save it as {form} with the encoding UTF-8") from error
