"""Pictures in parts have the same features and gradients as all at once."""

import pytest
import torch

from model.network_precision import NetworkPrecision, has_native_bfloat16
from model.selavpr.selavpr import SelaVPR
from model.training import forward
from model.training.forward import encoding_forward, learning_forward
from tests.model.frozen.busy_network import busy_network, pictures

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "_LEARNED_AT_A_TIME", 2 * 96)
    monkeypatch.setattr(forward, "_ENCODED_AT_A_TIME", 2 * 96)


def gradients(network: SelaVPR) -> dict[str, torch.Tensor]:
    found = {name: each.grad.clone() for name, each in network.named_parameters() if each.grad is not None}
    network.zero_grad(set_to_none=True)
    return found


@pytest.mark.parametrize("count", [1, 2, 5])
def test_parts_learn_what_the_whole_learns(count: int) -> None:
    network, images = busy_network(), pictures(count)
    whole = network(images)
    whole.local_features[:, :, 0].sum().backward()
    expected = gradients(network)
    parts = learning_forward(network, images)
    torch.testing.assert_close(parts.global_features, whole.global_features, atol=1e-6, rtol=0)
    torch.testing.assert_close(parts.local_features, whole.local_features, atol=1e-5, rtol=0)
    parts.local_features[:, :, 0].sum().backward()  # type: ignore[no-untyped-call]
    found = gradients(network)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-3, rtol=1e-3, msg=name)


def test_a_part_holds_as_many_pictures_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    network, sizes = busy_network(), []
    handle = network.register_forward_pre_hook(lambda _, arguments: sizes.append(len(arguments[0])))
    learning_forward(network, pictures(5))
    monkeypatch.setattr(forward, "_LEARNED_AT_A_TIME", 1)
    learning_forward(network, pictures(2))
    handle.remove()
    assert sizes == [2, 2, 1, 1, 1]


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("bfloat16", 2e-2)])
def test_what_is_mined_with_is_the_network_as_it_is_now(precision: NetworkPrecision, tolerance: float) -> None:
    network, images = busy_network(), pictures(3)
    for _ in range(2):
        with torch.no_grad():
            expected = network(images)
        encoded = encoding_forward(network, CPU, precision)(images)
        torch.testing.assert_close(encoded.global_features, expected.global_features, atol=tolerance, rtol=0)
        torch.testing.assert_close(encoded.local_features, expected.local_features, atol=tolerance * 5, rtol=0)
        assert not encoded.global_features.requires_grad
        with torch.no_grad():  # the network learns, so earlier features are no longer valid
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.05)


def test_a_processor_that_emulates_bfloat16_encodes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_native_bfloat16(CPU):
        pytest.skip("this processor has no bfloat16 to do without")
    network, images = busy_network(), pictures(1)
    rounded = encoding_forward(network, CPU, "bfloat16")(images)
    exact = encoding_forward(network, CPU, "float32")(images)
    monkeypatch.setattr(forward, "has_native_bfloat16", lambda _: False)
    instead = encoding_forward(network, CPU, "bfloat16")(images)
    assert torch.equal(instead.global_features, exact.global_features)
    assert not torch.equal(rounded.global_features, exact.global_features)
