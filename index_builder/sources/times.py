"""The formats in which collections write the time of a picture."""

import re
from datetime import UTC, datetime

_EXIF = re.compile(r"(\d{4})[:/](\d{2})[:/](\d{2})(?=$|[ T_])")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?=$|[ T])")
_CLOCK = re.compile(r"(?<=[ T])(\d)(?=:)")
_EPOCH = re.compile(r"(\d{9,10}|\d{12,13})(\.\d+)?")
_CAPTURE = re.compile(r"(\d{4})_(\d{2})_(\d{2})_(\d{2})_(\d{2})_(\d{2})_(\d+)")
_COMPACT = re.compile(r"(\d{4})(?:(\d{2})(?:(\d{2})(?:_(\d{2})(?:(\d{2})(\d{2})?)?)?)?)?")


def parse_time(text: str) -> datetime | None:
    """Read ISO 8601, EXIF (``2024:09:23 16:06:58``, a zone may follow), seconds or milliseconds since 1970.

    Days may come first if dots separate them from months and years: ``23.09.2024 16:06``.

    Returns:
        The time, with a time zone if one is stated (UTC for seconds since 1970), naive otherwise; None if it cannot be
        read.
    """
    text = text.strip()
    try:
        if epoch := _EPOCH.fullmatch(text):
            seconds = float(text) / (1000 if len(epoch[1]) >= 12 else 1)
            return datetime.fromtimestamp(seconds, UTC)
        text = _DOTTED.sub(lambda day: f"{day[3]}-{day[2]:0>2}-{day[1]:0>2}", _EXIF.sub(r"\1-\2-\3", text, count=1))
        time = datetime.fromisoformat(_CLOCK.sub(r"0\1", text))
        if time.utcoffset() is not None:
            time.astimezone(UTC)  # fails in the first and last hours of the calendar: a map keeps times in UTC
    except (ValueError, OverflowError, OSError):
        return None
    return time


def parse_epoch_ms(milliseconds: float) -> datetime | None:
    """Return the time of milliseconds since 1970, in UTC; None outside of the calendar."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def parse_capture_time(text: str) -> datetime | None:
    """Read mapillary_tools' ``YYYY_MM_DD_hh_mm_ss_mmm``, which is UTC; the last field is a fraction of a second."""
    found = _CAPTURE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    microsecond = int(found[7][:6].ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, UTC)
    except ValueError:
        return None


def parse_compact_time(text: str) -> datetime | None:
    """Read the field's ``YYYY[MM[DD[_hh[mm[ss]]]]]``; missing parts have their earliest values."""
    found = _COMPACT.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups())
    try:
        return datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0)  # noqa: DTZ001 (no zone is stated)
    except ValueError:
        return None
