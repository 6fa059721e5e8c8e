"""Every tensor of the package has one place, or the network is not loaded."""

import pytest
import torch
from torch import Tensor

from model.starter.config import StarterConfig
from model.starter.network import Starter
from model.starter.package_names import CLASSIFIER, own_name, own_tensors
from model.weights_errors import WeightsError
from tests.golden.starter import package_tensors


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    return package_tensors()


WHOLE = StarterConfig(global_blocks=(20,))


def load(tensors: dict[str, Tensor], config: StarterConfig | None = None) -> dict[str, Tensor]:
    config = config or StarterConfig()
    with torch.device("meta"):
        expected = Starter(config, is_trained=True).state_dict()
    return own_tensors(tensors, config, expected)


def test_every_tensor_but_the_classifiers_has_its_own_name(tensors: dict[str, Tensor]) -> None:
    named = {name: own_name(name) for name in tensors}
    counts = {name for name in tensors if name.endswith(".num_batches_tracked")}
    assert {name for name, ours in named.items() if ours is None} == CLASSIFIER | counts
    assert len({ours for ours in named.values() if ours}) == len(tensors) - len(CLASSIFIER | counts)
    assert len(load(tensors, WHOLE)) == len(tensors) - len(CLASSIFIER | counts)


def test_a_missing_tensor_is_named(tensors: dict[str, Tensor]) -> None:
    without = {name: tensor for name, tensor in tensors.items() if name != "_blocks.4._bn2.running_var"}
    with pytest.raises(WeightsError, match=r"1 missing: trunk\.blocks\.4\.project\.norm\.running_var"):
        load(without)


@pytest.mark.parametrize(
    "name",
    [
        "_fc.scale",
        "_blocks.4._se_reduce.weight",
        "_blocks.0._expand_conv.weight",
        "_blocks.21._project_conv.weight",
        "_blocks.04._project_conv.weight",
        "_blocks.4._project_conv.bias",
        "_blocks.4._bn2",
        "trunk.stem.norm.bias",
        "",
    ],
)
def test_a_tensor_too_many_is_named(tensors: dict[str, Tensor], name: str) -> None:
    with pytest.raises(WeightsError, match=f"1 unknown: {name}"):
        load(tensors | {name: torch.zeros(3)})


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(31, 3, 3, 3), r"trunk\.stem\.convolution\.weight is \(31, 3, 3, 3\) float32, expected \(32, 3, "),
        (torch.zeros(32, 3, 3, 3, dtype=torch.int32), r"is \(32, 3, 3, 3\) int32, expected \(32, 3, 3, 3\) float32"),
    ],
)
def test_a_tensor_of_another_shape_or_type_is_named(tensors: dict[str, Tensor], tensor: Tensor, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        load(tensors | {"_conv_stem.weight": tensor})


def test_blocks_behind_the_last_are_left_out_and_others_are_not(tensors: dict[str, Tensor]) -> None:
    short = StarterConfig(global_blocks=(11,))
    assert not any(name.startswith("trunk.blocks.12.") for name in load(tensors, short))
    with pytest.raises(WeightsError, match=r"1 unknown: _blocks\.12\._se_reduce\.weight"):
        load(tensors | {"_blocks.12._se_reduce.weight": torch.zeros(3)}, short)


def test_another_size_of_the_trunk_does_not_take_the_weights(tensors: dict[str, Tensor]) -> None:
    with pytest.raises(WeightsError, match=r"that do not fit: .* and \d+ more"):
        load(tensors, StarterConfig(width=1.4))
