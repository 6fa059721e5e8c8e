"""The one way from a picture to the network's input."""

import numpy as np
import pytest
import torch
from PIL import Image

from model.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preparation, Preprocessing, preprocess
from tests.golden.recordings import PICTURE, PIXEL_ROW_STEP, read_arrays


def picture(height: int, width: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("preprocessing", "recording", "atol"),
    [
        (Preprocessing.ANTIALIAS, "eval_antialias", 3e-6),
        (Preprocessing.OFFICIAL_EVAL, "eval_noantialias", 3e-6),
        (Preprocessing.ANTIALIAS, "train_pil", 0.02),  # Pillow's resize rounds to whole grey values
    ],
)
def test_recordings(preprocessing: Preprocessing, recording: str, atol: float) -> None:
    with Image.open(PICTURE) as image:
        prepared = preprocess(image, Preparation(preprocessing=preprocessing)).numpy()
    assert prepared.shape == (3, 224, 224)
    np.testing.assert_allclose(prepared[:, ::PIXEL_ROW_STEP], read_arrays("preprocess")[recording], atol=atol, rtol=0)


@pytest.mark.parametrize("preprocessing", list(Preprocessing))
def test_a_picture_of_the_input_size_is_only_normalised(preprocessing: Preprocessing) -> None:
    image = picture(224, 224)
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1) / 255
    expected = (pixels - torch.tensor(IMAGENET_MEAN)[:, None, None]) / torch.tensor(IMAGENET_STD)[:, None, None]
    torch.testing.assert_close(preprocess(image, Preparation(preprocessing=preprocessing)), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("preprocessing", list(Preprocessing))
def test_one_colour_stays_that_colour(preprocessing: Preprocessing) -> None:
    result = preprocess(Image.new("RGB", (1003, 77), (255, 0, 128)), Preparation(preprocessing=preprocessing))
    for channel, value in enumerate((255, 0, 128)):
        expected = (value / 255 - IMAGENET_MEAN[channel]) / IMAGENET_STD[channel]
        torch.testing.assert_close(result[channel], torch.full((224, 224), expected), atol=1e-5, rtol=0)


def test_the_picture_is_squashed_not_cropped() -> None:
    """The left half of a wide picture is the left half of the result."""
    image = Image.new("RGB", (800, 100), "black")
    image.paste("white", (0, 0, 400, 100))
    result = preprocess(image)
    assert result.shape == (3, 224, 224)
    assert float(result[0, :, :110].min()) > 2
    assert float(result[0, :, 114:].max()) < -2


def test_antialiasing_averages_what_sampling_misses() -> None:
    stripes = np.zeros((224 * 4, 224 * 4, 3), dtype=np.uint8)
    stripes[:, ::4] = 255  # a quarter of the columns, never at the sampled positions 1.5, 5.5, …
    image = Image.fromarray(stripes)
    grey = (255 / 4 / 255 - IMAGENET_MEAN[0]) / IMAGENET_STD[0]
    black = -IMAGENET_MEAN[0] / IMAGENET_STD[0]
    assert float(preprocess(image, Preparation(preprocessing=Preprocessing.ANTIALIAS))[0, 100, 100]) == pytest.approx(
        grey, abs=0.5
    )
    assert float(
        preprocess(image, Preparation(preprocessing=Preprocessing.OFFICIAL_EVAL))[0, 100, 100]
    ) == pytest.approx(black, abs=1e-5)


def test_only_rgb_is_taken() -> None:
    with pytest.raises(ValueError, match="mode L"):
        preprocess(Image.new("L", (20, 20)))
