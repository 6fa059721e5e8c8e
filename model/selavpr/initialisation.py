"""The random weights of a network before training, reproducible from a seed."""

import torch
from torch import nn

from model.selavpr.adapter import Adapter
from model.selavpr.config import SelaVPRConfig
from model.selavpr.gem import INITIAL_POWER, GeM
from model.selavpr.local_adaptation import LocalAdaptation
from model.selavpr.selavpr import SelaVPR

_STD = 0.02


def seeded_network(config: SelaVPRConfig, seed: int = 0) -> SelaVPR:
    """Make an untrained network in eval mode, with random weights that depend only on the seed.

    Linear layers and tokens are drawn from N(0, 0.02²), truncated at two deviations as in ViT. The adapters start as
    the identity, so the network equals its backbone.
    """
    network = SelaVPR(config, is_trained=False)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter_name, parameter in network.backbone.named_parameters():
            is_table = parameter_name in ("cls_token", "pos_embed", "register_tokens")
            if is_table or (parameter.ndim >= 2 and parameter_name != "mask_token"):
                nn.init.trunc_normal_(parameter, std=_STD, a=-2 * _STD, b=2 * _STD, generator=generator)
            elif parameter_name.endswith("bias"):
                nn.init.zeros_(parameter)
    begin_adaptation(network, seed)
    return network.eval()


def begin_adaptation(network: SelaVPR, seed: int = 0) -> None:
    """Set adapters, pooling and local adaptation to their values before training, and leave the backbone unchanged.

    The adapters' last layer is zero, weight and bias, so that the adapted network equals its backbone; their first
    layer is N(0, 0.02²). The local adaptation has PyTorch's default initialisation of a transposed convolution.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, Adapter):
                nn.init.trunc_normal_(module.down.weight, std=_STD, a=-2 * _STD, b=2 * _STD, generator=generator)
                nn.init.zeros_(module.down.bias)
                nn.init.zeros_(module.up.weight)
                nn.init.zeros_(module.up.bias)
            elif isinstance(module, GeM):
                nn.init.constant_(module.p, INITIAL_POWER)
            elif isinstance(module, LocalAdaptation):
                for convolution in (module.up1, module.up2):
                    _begin_convolution(convolution, generator)


def _begin_convolution(convolution: nn.ConvTranspose2d, generator: torch.Generator) -> None:
    # torch takes the second dimension of the weight (in, out, 3, 3) as the inputs: out · 9.
    fan_in = convolution.weight[0].numel()
    bound = fan_in**-0.5
    nn.init.uniform_(convolution.weight, -bound, bound, generator=generator)
    if convolution.bias is not None:
        nn.init.uniform_(convolution.bias, -bound, bound, generator=generator)
