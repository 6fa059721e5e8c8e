"""The adapter: the small bottleneck that turns the frozen backbone towards place recognition."""

from torch import Tensor, nn


class Adapter(nn.Module):
    """Down-projection, ReLU, up-projection; without a skip of its own, which is the block's affair."""

    def __init__(self, dim: int, bottleneck_dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(dim, bottleneck_dim)
        self.act = nn.ReLU()
        self.up = nn.Linear(bottleneck_dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        output: Tensor = self.up(self.act(self.down(tokens)))
        return output
