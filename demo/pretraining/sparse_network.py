"""The network over some of the patches of each picture."""

import torch
import torch.nn.functional as F
from torch import Tensor

from model.preprocess import IMAGENET_MEAN, IMAGENET_STD
from model.selavpr.selavpr import SelaVPR


def sparse_features(network: SelaVPR, patches: Tensor, kept: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """Return the global features of pictures from some of their patches.

    With all patches in their order and unchanged colours, the result equals ``network(images).global_features``.

    Args:
        network: A network with as many positions as a picture has patches, and GeM.
        patches: ``(b, k, 588)`` uint8, the kept patches, each (3, 14, 14).
        kept: ``(b, k)`` the numbers of these patches.
        gain: ``(b, 3)`` the factor of each channel.
        offset: ``(b, 3)`` the offset of each channel.

    Returns:
        ``(b, D)`` of length 1.
    """
    backbone = network.backbone
    b, k, _ = patches.shape
    mean, std = (torch.tensor(each, device=patches.device)[:, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    colours = patches.view(b, k, 3, -1).float() / 255 * gain[:, None, :, None] + offset[:, None, :, None]
    values = ((colours - mean) / std).flatten(2)  # (b, k, 588)
    projection = backbone.patch_embed.proj
    tokens = F.linear(values, projection.weight.flatten(1), projection.bias)  # (b, k, D)
    table = backbone.pos_embed[0]
    # No index here, because its gradient is summed in an order that changes from run to run.
    tokens = tokens + F.embedding(kept, table[1:])
    class_token = (backbone.cls_token + table[:1]).expand(b, -1, -1)
    tokens = torch.cat((class_token, tokens), dim=1)
    for block in backbone.blocks:
        tokens = block(tokens)
    if network.pooling is None:
        raise AssertionError("pre-training goes through GeM, which this network has not")
    pooled: Tensor = network.pooling(backbone.norm(tokens)[:, 1:].float())
    return pooled
