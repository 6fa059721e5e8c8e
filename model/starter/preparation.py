"""How a picture becomes the input of the starter: as the trunk saw pictures when it was trained.

A picture is squashed to 256 × 256 pixels by bicubic interpolation with antialiasing, and each value from 0 to 255
becomes (value - 127) / 128, in all three channels alike (EfficientNet-Lite's own ``MEAN_RGB`` and ``STDDEV_RGB``).
"""

PICTURE_SIZE = (256, 256)  # height, width
PICTURE_MEAN = (127 / 255,) * 3  # of values from 0 to 1
PICTURE_STD = (128 / 255,) * 3
PICTURE_FILTER = "bicubic"
