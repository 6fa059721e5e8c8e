"""A transformer block with a serial and a parallel adapter (paper, Eq. 3 and 4)."""

from torch import Tensor, nn

from model.selavpr.adapter import Adapter
from model.selavpr.attention import Attention
from model.selavpr.config import SelaVPRConfig
from model.selavpr.layer_scale import LayerScale
from model.selavpr.mlp import Mlp

LAYER_NORM_EPS = 1e-6  # DINOv2's value in every LayerNorm
PARALLEL_ADAPTER_SCALE = 0.2  # s of Eq. 4


class Block(nn.Module):
    """Apply one block of the adapted backbone.

    The paper writes Eq. 3 and 4 without LayerScale. In the network of the published numbers, LayerScale applies to the
    output of both adapters, and to the skip of the serial one::

        a = attn(norm1(x))                       x ← x + ls1(a + serial_adapter(a))
        n = norm2(x)                             x ← x + ls2(mlp(n) + s · parallel_adapter(n))
    """

    def __init__(self, config: SelaVPRConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        self.attn = Attention(config.embed_dim, config.num_heads)
        self.serial_adapter = Adapter(config.embed_dim, config.adapter_dim) if config.has_serial_adapter else None
        self.ls1 = LayerScale(config.embed_dim)
        self.norm2 = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(config.embed_dim, config.mlp_dim)
        self.parallel_adapter = Adapter(config.embed_dim, config.adapter_dim) if config.has_parallel_adapter else None
        self.ls2 = LayerScale(config.embed_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        attended = self.attn(self.norm1(tokens))
        if self.serial_adapter is not None:
            attended = attended + self.serial_adapter(attended)
        tokens = tokens + self.ls1(attended)
        normed = self.norm2(tokens)
        processed = self.mlp(normed)
        if self.parallel_adapter is not None:
            processed = processed + PARALLEL_ADAPTER_SCALE * self.parallel_adapter(normed)
        output: Tensor = tokens + self.ls2(processed)
        return output
