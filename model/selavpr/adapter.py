"""The small bottleneck that adapts the frozen backbone to place recognition."""

from torch import Tensor, nn


class Adapter(nn.Module):
    """Apply down-projection, ReLU and up-projection, without a skip connection: ``Block`` adds it."""

    def __init__(self, dim: int, bottleneck_dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(dim, bottleneck_dim)
        self.act = nn.ReLU()
        self.up = nn.Linear(bottleneck_dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        output: Tensor = self.up(self.act(self.down(tokens)))
        return output
