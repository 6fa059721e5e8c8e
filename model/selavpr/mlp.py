"""The feed-forward part of a transformer block."""

from torch import Tensor, nn


class Mlp(nn.Module):
    """Apply two linear layers with the exact (erf) GELU between them."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        output: Tensor = self.fc2(self.act(self.fc1(tokens)))
        return output
