"""The frozen starter computes the same as the starter."""

import pytest
import torch

from model.frozen.convolution import FrozenConvolution
from model.frozen.starter import FrozenStarter
from model.frozen.target import Target
from model.starter.package_weights import load_starter
from model.starter.same_convolution import SameConvolution

CPU = Target(torch.device("cpu"), "float32")


class Unpacked(Target):
    """Describe a target without oneDNN's operator, like a GPU."""

    @property
    def can_pack(self) -> bool:
        return False


PLAIN = Unpacked(torch.device("cpu"), "float32")


@pytest.mark.parametrize("target", [CPU, PLAIN], ids=["fused", "plain"])
@pytest.mark.parametrize(
    ("channels", "kernel_size", "stride", "groups", "is_rectified"),
    [(8, 1, 1, 1, True), (8, 1, 1, 1, False), (8, 3, 2, 1, True), (8, 5, 1, 8, True), (8, 5, 2, 8, True)],
)
def test_a_convolution_is_folded(
    target: Target, channels: int, kernel_size: int, stride: int, groups: int, *, is_rectified: bool
) -> None:
    generator = torch.Generator().manual_seed(1)
    layer = SameConvolution(8, channels, kernel_size, stride=stride, groups=groups, is_rectified=is_rectified)
    with torch.no_grad():
        for tensor in layer.state_dict().values():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
        maps = 4 * torch.randn(2, 8, 15, 18, generator=generator)
        expected = layer(maps)
        folding = FrozenConvolution(layer, target, 2, (15, 18))
        folded = folding(maps.contiguous(memory_format=torch.channels_last))
    assert (expected == 6).any().item() == is_rectified
    assert folding.output_size == folded.shape[2:]
    torch.testing.assert_close(folded, expected, atol=2e-5, rtol=2e-6)
    if not is_rectified:
        summed = folding(maps.contiguous(memory_format=torch.channels_last), folded)
        torch.testing.assert_close(summed, 2 * expected, atol=4e-5, rtol=2e-6)


@pytest.mark.parametrize("target", [CPU, PLAIN], ids=["fused", "plain"])
@pytest.mark.parametrize("size", [(256, 256), (97, 130)], ids=["its size", "another one"])
@pytest.mark.parametrize(("height", "width"), [(256, 256), (97, 130)])
def test_features_are_those_of_the_network(target: Target, size: tuple[int, int], height: int, width: int) -> None:
    starter = load_starter()
    images = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = starter(images)
        frozen = FrozenStarter(starter, size, target, 1)(images)
    assert frozen.local_grid == expected.local_grid
    torch.testing.assert_close(frozen.global_features, expected.global_features, atol=2e-6, rtol=0)
    torch.testing.assert_close(frozen.local_features, expected.local_features, atol=1e-5, rtol=0)
