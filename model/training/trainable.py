"""The parts of a network that learn, and the network at the beginning of training."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from model.selavpr.config import SelaVPRConfig
from model.selavpr.initialisation import begin_adaptation
from model.selavpr.parts import Part, part_of
from model.selavpr.selavpr import SelaVPR
from model.training.config import NetworkStart
from model.training.errors import InvalidTrainingConfig

_NEVER_USED = "backbone.mask_token"  # used only in DINOv2's training


def trainable_parameters(
    network: SelaVPR, *, full_fine_tuning: bool, adapters_learn: bool = True
) -> Iterator[tuple[str, nn.Parameter]]:
    """Return the parameters that learn: adapters, p of GeM and local adaptation, and in full fine-tuning the backbone.

    If the adapters do not learn, p does not learn either, so the global feature is unchanged.

    For ViT-L/14 these are 53,059,969 of 357,428,609 (paper, table 4).
    """
    for name, parameter in network.named_parameters():
        part = part_of(name)
        if part is Part.BACKBONE:
            if full_fine_tuning and name != _NEVER_USED:
                yield name, parameter
        elif adapters_learn or part is Part.LOCAL_ADAPTATION:
            yield name, parameter


def freeze_the_rest(
    network: SelaVPR, *, full_fine_tuning: bool, adapters_learn: bool = True
) -> dict[str, nn.Parameter]:
    """Allow gradients only for the parameters that learn.

    Returns:
        The parameters that learn, by name.

    Raises:
        InvalidTrainingConfig: No parameter learns.
    """
    network.requires_grad_(False)
    trainable = dict(trainable_parameters(network, full_fine_tuning=full_fine_tuning, adapters_learn=adapters_learn))
    if not trainable:
        raise InvalidTrainingConfig(
            "nothing would learn: the network has no adapters, no GeM and no local adaptation, or they are not to, and "
            "network.full_fine_tuning is false"
        )
    for parameter in trainable.values():
        parameter.requires_grad_(True)
    return trainable


def starting_network(loaded: SelaVPR, start: NetworkStart, seed: int) -> SelaVPR:
    """Return the network at the beginning of training.

    A bare backbone gets the parts that ``start`` names: the adapters' last layer is zero, so step 0 equals the
    backbone, and random values depend only on the seed. A trained network is taken unchanged; if it has no local
    features, it can get them, with the same initial values as around a backbone.

    Args:
        loaded: The network of ``start.weights``.
        start: The parts of the network.
        seed: The seed of the parts that a backbone lacks.

    Raises:
        InvalidTrainingConfig: A trained network has other parts than ``start`` names.
    """
    config = replace(loaded.config, **_changes(start, loaded.config))
    if loaded.is_trained:
        _check_parts(loaded.config, config, start)
        if config == loaded.config:
            return loaded
    network = SelaVPR(config, is_trained=False)
    begin_adaptation(network, seed)
    kept = {
        name: tensor
        for name, tensor in loaded.state_dict().items()
        if part_of(name) is Part.BACKBONE or loaded.is_trained
    }
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name in kept:
                tensor.copy_(kept[name])
    return network.eval()


def _changes(start: NetworkStart, config: SelaVPRConfig) -> dict[str, Any]:
    asked = {name: getattr(start, name) for name in ("adapters", "global_pooling", "local_features")}
    changes = {name: value for name, value in asked.items() if value is not None}
    if start.adapter_ratio is not None:
        changes["adapter_dim"] = max(1, round(start.adapter_ratio * config.embed_dim))
    return changes


def _check_parts(loaded: SelaVPRConfig, asked: SelaVPRConfig, start: NetworkStart) -> None:
    for name in ("adapters", "adapter_dim", "global_pooling", "local_features"):
        is_added = name == "local_features" and loaded.local_features == "none"
        if getattr(loaded, name) != getattr(asked, name) and not is_added:
            key = "adapter_ratio" if name == "adapter_dim" else name
            raise InvalidTrainingConfig(
                f"network.{key} = {getattr(start, key)!r} contradicts {start.weights}, a trained network with {name} = "
                f"{getattr(loaded, name)!r}: leave network.{key} out, or begin with a backbone"
            )
