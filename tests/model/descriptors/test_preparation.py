"""Pictures become exactly the input of each method's reference."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from model.descriptors.cosplace import CosPlace
from model.descriptors.megaloc import MegaLoc
from model.descriptors.mixvpr import MixVPR
from model.descriptors.network import DescriptorNetwork
from model.descriptors.salad import Salad
from model.descriptors.sfrs import SFRS
from model.descriptors.transvpr import TransVPR
from model.families import family_named
from model.preprocess import Preparation, Preprocessing, preprocess
from tests.golden.peers.formula import make_picture
from tests.golden.peers.recordings import cut, read_arrays

WHOLE = Preprocessing.ANTIALIAS_WHOLE
# The rounding error if the reference scales after it resizes, or the other way round, for numbers up to 4 or 152.
EXACT, ROUNDED, ROUNDED_BYTES = 0.0, 5e-6, 5e-5


def prepared(needs: Preparation, size: tuple[int, int] | None = None) -> Preparation:
    height, width = size or needs.size
    return replace(needs, height=height, width=width, preprocessing=WHOLE)


def of(needs: Preparation, size: tuple[int, int] | None = None) -> Preparation:
    height, width = size or needs.size
    return replace(needs, height=height, width=width, preprocessing=WHOLE)


def network_of(family: str, **config: object) -> DescriptorNetwork:
    with torch.device("meta"):
        network = family_named(family).make(config, is_trained=True)
    assert isinstance(network, DescriptorNetwork)
    return network


BENCHMARK = network_of("gem").needs
GSV = network_of("gem", pictures="gsv-cities").needs
CASES = {
    "dvglb_r2former_480x640_noantialias": (replace(BENCHMARK, preprocessing=Preprocessing.OFFICIAL_EVAL), ROUNDED),
    "dvglb_r2former_480x640_antialias": (of(BENCHMARK), ROUNDED),
    "transvpr_480x640_noantialias": (
        replace(TransVPR.needs, preprocessing=Preprocessing.OFFICIAL_EVAL),
        ROUNDED,
    ),
    "transvpr_480x640_antialias": (of(TransVPR.needs), ROUNDED),
    "mixvpr_loader_320_pil_bilinear": (of(MixVPR.needs), EXACT),
    "salad_322_pil_bilinear": (of(Salad.needs), EXACT),
    "boq_dinov2_322_tensor_bicubic": (of(network_of("boq").needs), ROUNDED),
    "boq_resnet50_384_tensor_bicubic": (of(network_of("boq", backbone="resnet50").needs), ROUNDED),
    "sfrs_480x640": (of(SFRS.needs), EXACT),
}
OF_THEIR_SIZE = {
    "imagenet_no_resize": (CosPlace.needs, EXACT, ((601, 800), (200, 300))),
    "cosplace_eigenplaces_resize512": (CosPlace.needs, EXACT, ((512, 681), (512, 768))),
    "megaloc_and_vprmethods_multiple_of_14": (MegaLoc.needs, ROUNDED, ((602, 798), (196, 294))),
    "sfrs_tokyo_query_640": (SFRS.needs, EXACT, ((640, 851), (640, 960))),
    "netvlad_matlab_input": (network_of("netvlad", origin="matlab").needs, ROUNDED_BYTES, ((601, 800), (200, 300))),
}
PICTURES = ((601, 800), (200, 300))


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("case", [*CASES, *OF_THEIR_SIZE])
def test_a_picture_becomes_what_the_reference_makes_of_it(case: str, picture: tuple[int, int]) -> None:
    if case in CASES:
        preparation, tolerance = CASES[case]
    else:
        needs, tolerance, sizes = OF_THEIR_SIZE[case]
        preparation = of(needs, sizes[PICTURES.index(picture)])
    result = preprocess(Image.fromarray(make_picture(2024, *picture)), preparation).numpy()
    recorded = read_arrays("preprocess")[f"{case}__from_{picture[0]}x{picture[1]}"]
    assert np.abs(cut(result) - recorded).max() <= tolerance


def test_gsv_cities_prepares_pictures_as_mixvpr_does() -> None:
    assert MixVPR.needs == GSV


def test_pictures_of_two_filters_are_different_pixels() -> None:
    own = Preparation()
    assert not own.gives_the_pixels_of(replace(own, filter="pillow-bilinear"))
    pillow = replace(own, filter="pillow-bilinear")
    assert pillow.gives_the_pixels_of(replace(pillow, preprocessing=Preprocessing.OFFICIAL_EVAL))
