"""The limits of pictures that every command shares with the service."""

import os
from pathlib import Path

from model.images import ImageLimits
from service.settings import load_settings
from service.settings_file import settings_from


def read_picture_limits() -> ImageLimits:
    """Read the limits on pictures from the environment, and from the file that ``PLACEFIX_SETTINGS`` names.

    Raises:
        InvalidInput: A setting does not fit, or the file cannot be used.
    """
    file = os.environ.get("PLACEFIX_SETTINGS")
    return load_settings({}, settings_from(Path(file)) if file else None).image_limits
