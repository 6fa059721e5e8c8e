"""A single step: accumulation, precision, and no step if a number is not finite."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.selavpr.initialisation import seeded_network
from model.training.config import OptimizationConfig, TrainingConfig
from model.training.errors import TrainingDiverged
from model.training.learner import Learner
from tests.model.training.small_run import NETWORK, small_config

CPU = torch.device("cpu")
PATHS = [Path(f"{name}.jpg") for name in ("query", "positive", "negative")]


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    return small_config(tmp_path)


def learner(config: TrainingConfig, **optimization: object) -> Learner:
    changed: OptimizationConfig = replace(config.optimization, **optimization)  # type: ignore[arg-type]
    return Learner(seeded_network(NETWORK, seed=1), replace(config, optimization=changed), CPU)


def pictures(groups: int) -> Tensor:
    return torch.randn(groups * 3, 3, 56, 56, generator=torch.Generator().manual_seed(2))


def gradients(of: Learner) -> dict[str, Tensor]:
    return {name: each.grad.clone() for name, each in of.trainable.items() if each.grad is not None}


def test_accumulation_has_the_gradients_of_one_large_batch(config: TrainingConfig) -> None:
    whole, parts = learner(config), learner(config)
    images = pictures(4)
    at_once = whole.step([PATHS * 4], iter([images]))
    in_parts = parts.step([PATHS * 2, PATHS, PATHS], iter([images[:6], images[6:9], images[9:]]))
    assert at_once.total != pytest.approx(
        in_parts.total
    )  # the mean over passes of unequal size differs from the mean of the whole
    parts = learner(config)
    in_parts = parts.step([PATHS * 2, PATHS * 2], iter((images[:6], images[6:])))
    assert in_parts.total == pytest.approx(at_once.total, abs=1e-6)
    assert in_parts.gradient_norm == pytest.approx(at_once.gradient_norm, rel=1e-4)
    expected = gradients(whole)
    assert max(float(each.abs().max()) for each in expected.values()) > 1e-3
    for name, gradient in gradients(parts).items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-6, rtol=1e-4)


def test_bfloat16_is_near_and_keeps_float32_weights(config: TrainingConfig) -> None:
    exact = learner(config).step([PATHS * 4], iter([pictures(4)]))
    rounding = learner(config, precision="bfloat16")
    rounded = rounding.step([PATHS * 4], iter([pictures(4)]))
    assert rounded.total != exact.total
    assert rounded.total == pytest.approx(exact.total, abs=0.01)
    assert all(each.dtype == torch.float32 for each in rounding.network.parameters())


def test_a_loss_that_is_no_number_names_its_pictures_and_changes_nothing(config: TrainingConfig) -> None:
    learning = learner(config)
    before = {name: tensor.clone() for name, tensor in learning.network.state_dict().items()}
    spoilt = pictures(2)
    spoilt[4, 0, 0, 0] = torch.nan

    def batches() -> Iterator[Tensor]:
        yield pictures(2)
        yield spoilt

    second = [Path(f"second {each}") for each in PATHS * 2]
    with pytest.raises(TrainingDiverged, match=r"the loss is nan .*second query\.jpg, second positive\.jpg") as raised:
        learning.step([PATHS * 2, second], batches())
    assert ": query.jpg" not in raised.value.message
    for name, tensor in learning.network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_gradient_that_is_no_number_changes_nothing(
    config: TrainingConfig,
) -> None:
    """A finite loss with an infinite slope."""

    class Steep(torch.autograd.Function):
        @staticmethod
        def forward(_: object, values: Tensor) -> Tensor:
            return values.clone()

        @staticmethod
        def backward(_: object, gradient: Tensor) -> Tensor:
            return gradient * torch.inf

    learning = learner(config)
    before = {name: tensor.clone() for name, tensor in learning.network.state_dict().items()}
    last_norm = learning.network.get_submodule("backbone.norm")
    last_norm.register_forward_hook(lambda *_: Steep.apply(_[2]))  # type: ignore[no-untyped-call]
    with pytest.raises(TrainingDiverged, match=r"a gradient is not finite .*query\.jpg"):
        learning.step([PATHS * 4], iter([pictures(4)]))
    for name, tensor in learning.network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_step_lowers_the_loss_of_its_own_pictures(config: TrainingConfig) -> None:
    learning = learner(config, learning_rate=0.01)
    images = pictures(4)
    losses = [learning.step([PATHS * 4], iter([images])).total for _ in range(20)]
    assert losses[-1] < 0.7 * losses[0]
