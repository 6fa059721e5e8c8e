"""Errors of a picture; the tree of all errors is drawn in ``model.errors``."""

from model.errors import PlacefixError


class ImageError(PlacefixError):
    """A picture that cannot be used."""

    code = "invalid_image"


class UnreadableImage(ImageError):
    """The file is not there, or cannot be read."""

    code = "unreadable_image"


class EmptyImage(ImageError):
    """No bytes at all."""

    code = "empty_image"


class NotAnImage(ImageError):
    """The bytes are of no picture format that is known here."""

    code = "not_an_image"


class UnsupportedImageFormat(ImageError):
    """The bytes are a picture of a format that is not read."""

    code = "unsupported_image_format"


class CorruptImage(ImageError):
    """The bytes start like a picture that is read here, and cannot be decoded."""

    code = "corrupt_image"


class CorruptExif(ImageError):
    """The picture has an EXIF block that cannot be parsed; its pixels may be in order."""

    code = "corrupt_exif"


class NoExifPosition(ImageError):
    """The picture does not say where it was taken."""

    code = "no_exif_position"


class TooManyPixels(ImageError):
    """The picture is larger than the limit."""

    code = "too_many_pixels"


class ImageTooSmall(ImageError):
    """A side of the picture is shorter than the minimum."""

    code = "image_too_small"


class ExtremeAspectRatio(ImageError):
    """The picture is a strip: squashed to the network's square nothing of it would be left."""

    code = "extreme_aspect_ratio"
