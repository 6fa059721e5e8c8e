"""The mark of positions that Placefix has estimated, so that no estimate is taken for a measurement.

The field ``GPSProcessingMethod`` of EXIF and XMP, which states the method of a position, has this mark.
"""

MARK = "PLACEFIX"

_CHARACTER_CODES = (b"ASCII\0\0\0", b"\0" * 8)


def is_estimate(processing_method: object) -> bool:
    """Return whether a position was estimated by Placefix.

    Args:
        processing_method: The value of ``GPSProcessingMethod``, as bytes of an EXIF block or as text.
    """
    if isinstance(processing_method, bytes):
        code, text = processing_method[:8], processing_method[8:]
        plain = text if code in _CHARACTER_CODES else processing_method
        return plain.startswith(MARK.encode()) or (code == b"UNICODE\0" and _is_wide(text))
    return isinstance(processing_method, str) and processing_method.strip().startswith(MARK)


def _is_wide(text: bytes) -> bool:
    return any(text.startswith(MARK.encode(order)) for order in ("utf-16-le", "utf-16-be"))
