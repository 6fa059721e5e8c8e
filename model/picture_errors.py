"""Errors of a picture; ``model.errors`` draws the tree of all errors."""

from model.errors import PlacefixError


class ImageError(PlacefixError):
    """The picture cannot be used."""

    code = "invalid_image"


class UnreadableImage(ImageError):
    """The file is missing, or cannot be read."""

    code = "unreadable_image"


class EmptyImage(ImageError):
    """The file has no bytes."""

    code = "empty_image"


class NotAnImage(ImageError):
    """The bytes match no known picture format."""

    code = "not_an_image"


class UnsupportedImageFormat(ImageError):
    """The picture has a format that Placefix does not read."""

    code = "unsupported_image_format"


class CorruptImage(ImageError):
    """The bytes start like a readable picture, and cannot be decoded."""

    code = "corrupt_image"


class CorruptExif(ImageError):
    """The picture has an EXIF block that cannot be parsed; its pixels may be intact."""

    code = "corrupt_exif"


class NoExifPosition(ImageError):
    """The picture does not state its position."""

    code = "no_exif_position"


class TooManyPixels(ImageError):
    """The picture is larger than the limit."""

    code = "too_many_pixels"


class ImageTooSmall(ImageError):
    """A side of the picture is shorter than the minimum."""

    code = "image_too_small"


class ExtremeAspectRatio(ImageError):
    """The picture is a strip; resized to the network's square, its content would be lost."""

    code = "extreme_aspect_ratio"
