"""Which parts of a network learn, and the network that training begins with."""

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

_NEVER_USED = "backbone.mask_token"  # of DINOv2's own training alone


def trainable_parameters(
    network: SelaVPR, *, full_fine_tuning: bool, adapters_learn: bool = True
) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters that learn: adapters, p of GeM and local adaptation; with full fine-tuning the backbone too.

    Where the adapters do not learn, p does not either: the global feature stays as it is.

    For ViT-L/14 that is 53,059,969 of 357,428,609 (paper, table 4).
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
    """Lets only what is to learn have gradients.

    Returns:
        What learns, by name.

    Raises:
        InvalidTrainingConfig: Nothing does.
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
    """The network that training begins with.

    Around a bare backbone the parts are as ``start`` says: the adapters' last layer is zero, so that step 0 equals the
    backbone, and what is random depends on the seed alone. A trained network goes on as it is; if it has no local
    features, it can get some, which begin as around a backbone.

    Args:
        loaded: From ``start.weights``.
        start: What the network shall have.
        seed: Of what a backbone lacks.

    Raises:
        InvalidTrainingConfig: A trained network has other parts than were asked for.
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
