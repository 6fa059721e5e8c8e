"""Choose the type of an answer by the header ``Accept`` (RFC 9110, section 12.5.1)."""

from collections.abc import Iterator


def is_preferred(media_type: str, default: str, accept: str) -> bool:
    """Return whether a client prefers a type to the default.

    Args:
        media_type: The type, which the header must name: a client that takes anything gets the default.
        default: The default type, of the same family, such as ``application``.
        accept: The header; empty for anything. The first of two types with the same quality counts.
    """
    family = default.partition("/")[0]
    wanted = {media_type, default, f"{family}/*", "*/*"}
    liked = [each for each in _ranges(accept) if each[0] in wanted and each[1] > 0]
    best, _ = max(liked, key=lambda each: each[1], default=(default, 1.0))
    return best == media_type


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Yield each media range with its quality; one whose quality cannot be read is left out."""
    for part in accept.lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((value for name, _, value in (each.partition("=") for each in parameters) if name == "q"), "1")
        try:
            yield media_range, float(quality)
        except ValueError:
            continue
