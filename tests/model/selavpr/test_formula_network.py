"""The network against literal numbers, with weights by formula.

The numbers were printed by ``python tests/model/selavpr/test_formula_network.py`` on a day on which the network agreed
with the recordings of the reference implementation (test_golden_network.py) to 1e-6.
"""

import math

import pytest
import torch

from model.features import Features
from model.selavpr.config import SelaVPRConfig
from model.selavpr.selavpr import SelaVPR

CONFIG = SelaVPRConfig(
    embed_dim=24,
    depth=3,
    num_heads=3,
    mlp_dim=40,
    position_side=7,
    adapter_dim=10,
    local_hidden_dim=12,
    local_dim=6,
)


def formula_network(num_register_tokens: int) -> SelaVPR:
    """Make a network whose n-th weight of the k-th tensor (by name) is a sine of n and k; norms and scales stay near
    one.
    """
    values = CONFIG.to_dict() | {"num_register_tokens": num_register_tokens}
    network = SelaVPR(SelaVPRConfig.from_dict(values), is_trained=True).eval()
    with torch.no_grad():
        for k, (name, parameter) in enumerate(sorted(network.named_parameters())):
            n = torch.arange(parameter.numel(), dtype=torch.float64)
            wave = torch.sin(0.7 * n + 1.3 * k + 0.01 * n * (k % 5))
            is_near_one = name.endswith(("gamma", "norm1.weight", "norm2.weight", "norm.weight"))
            value = 1 + 0.2 * wave if is_near_one else 0.3 * wave
            if name == "pooling.p":
                value = torch.tensor([2.5])
            parameter.copy_(value.reshape(parameter.shape))
    return network


def formula_images(height: int, width: int) -> torch.Tensor:
    """Make two pictures of slanted waves."""
    y = torch.arange(height, dtype=torch.float64)[:, None] / 14
    x = torch.arange(width, dtype=torch.float64)[None, :] / 14
    channels = [torch.sin(a * x + b * y + c) for a, b, c in ((1.1, 0.3, 0.0), (0.2, 1.7, 1.0), (0.9, -0.8, 2.0))]
    picture = torch.stack(channels)
    return torch.stack((picture, picture.flip(2) * 0.7)).float()


def encode(height: int, width: int, num_register_tokens: int) -> Features:
    with torch.inference_mode():
        features: Features = formula_network(num_register_tokens)(formula_images(height, width))
    return features


# (height, width, registers): first five values of the second picture's global feature, local grid, and the local
# feature of the second picture's cell in the middle.
EXPECTED: dict[tuple[int, int, int], tuple[list[float], tuple[int, int], list[float]]] = {
    (98, 98, 0): (
        [0.0445059, 0.2625015, 0.3373625, 0.0095875, 0.1160513],
        (25, 25),
        [0.5727047, 0.4457473, 0.3571567, 0.3243377, 0.3359141, 0.3573855],
    ),
    (56, 84, 0): (
        [0.0173055, 0.2487946, 0.3020612, 0.0140631, 0.0898133],
        (13, 21),
        [0.3554899, 0.3299608, 0.3341675, 0.3807021, 0.4599752, 0.5445859],
    ),
    (112, 70, 4): (
        [0.0234348, 0.3168383, 0.3043096, 0.0217247, 0.1326903],
        (29, 17),
        [-0.5122066, -0.4444787, -0.1592261, 0.2040786, 0.4681998, 0.5038561],
    ),
}


@pytest.mark.parametrize("case", EXPECTED)
def test_features_are_the_recorded_literals(case: tuple[int, int, int]) -> None:
    expected_global, expected_grid, expected_local = EXPECTED[case]
    features = encode(*case)
    assert features.local_grid == expected_grid
    middle = features.local_features.shape[1] // 2
    torch.testing.assert_close(features.global_features[1, :5], torch.tensor(expected_global), atol=2e-6, rtol=0)
    torch.testing.assert_close(features.local_features[1, middle], torch.tensor(expected_local), atol=2e-6, rtol=0)


def main() -> None:
    for case in ((98, 98, 0), (56, 84, 0), (112, 70, 4)):
        features = encode(*case)
        middle = features.local_features.shape[1] // 2
        first = [round(value, 7) for value in features.global_features[1, :5].tolist()]
        local = [round(value, 7) for value in features.local_features[1, middle].tolist()]
        assert all(math.isfinite(value) for value in first + local)
        print(f"    {case}: (\n        {first},\n        {features.local_grid},\n        {local},\n    ),")  # noqa: T201


if __name__ == "__main__":
    main()
