"""One step of the optimizer: forward, losses, backward; a number that is not finite prevents the step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn

from model.features import Features
from model.selavpr.selavpr import SelaVPR
from model.training.config import TrainingConfig
from model.training.errors import TrainingDiverged
from model.training.forward import learning_forward
from model.training.losses import Losses, batch_losses
from model.training.picture_batches import named
from model.training.trainable import freeze_the_rest


@dataclass(frozen=True)
class StepResult:
    """Hold the losses of a step.

    Attributes:
        total: Eq. 11, the mean of the step's triplets.
        global_loss: Eq. 9.
        local_loss: Eq. 10.
        gradient_norm: Euclidean norm over all parameters that learn.
    """

    total: float
    global_loss: float
    local_loss: float
    gradient_norm: float


class Learner:
    """Train a network by Adam, step by step.

    Attributes:
        network: The network, on its device.
        optimizer: The optimizer, with the state for a checkpoint.
        trainable: The parameters that learn, by name.
    """

    def __init__(self, network: SelaVPR, config: TrainingConfig, device: torch.device) -> None:
        """Freeze the parameters that do not learn.

        Raises:
            InvalidTrainingConfig: No parameter learns.
        """
        self.network = network.to(device)
        self.trainable = freeze_the_rest(
            network,
            full_fine_tuning=config.network.full_fine_tuning,
            adapters_learn=config.network.adapters_learn,
        )
        self.optimizer = torch.optim.Adam(self.trainable.values(), lr=config.optimization.learning_rate)
        self._config = config
        self._device = device

    def step(
        self,
        batches: Sequence[Sequence[Path]],
        pictures: Iterator[Tensor],
        *,
        comparable: Sequence[Tensor] | None = None,
        learning_rate: float | None = None,
    ) -> StepResult:
        """Make one step over one or more forward passes.

        Args:
            batches: The pictures of each forward pass, group by group (``model.training.losses``); for messages.
            pictures: The iterator from which the batches of pictures are taken.
            comparable: The pictures that a contrastive loss may compare, for each forward pass (``batch_losses``).
            learning_rate: The rate of this step, if it differs from the settings.

        Raises:
            TrainingDiverged: A loss or a gradient is not finite. The network is unchanged.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self._config.optimization.learning_rate if learning_rate is None else learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        means = torch.zeros(3, dtype=torch.float64)
        for number, paths in enumerate(batches):
            losses = self._losses(next(pictures), None if comparable is None else comparable[number])
            if not losses.total.isfinite():
                raise TrainingDiverged(
                    f"the loss is {float(losses.total.detach())} for these pictures: {named(paths)}. The network is as "
                    "it was before; look at them, or lower optimization.learning_rate"
                )
            (losses.total / len(batches)).backward()  # type: ignore[no-untyped-call]
            parts = (losses.total, losses.global_loss, losses.local_loss)
            means += torch.stack([part.detach().double().cpu() for part in parts]) / len(batches)
        gradients = [each.grad for each in self.trainable.values() if each.grad is not None]
        gradient_norm = nn.utils.get_total_norm(gradients)
        if not gradient_norm.isfinite():
            raise TrainingDiverged(
                f"a gradient is not finite for these pictures: {named(chain.from_iterable(batches))}. The network is "
                "as it was before; look at them, or lower optimization.learning_rate"
            )
        self.optimizer.step()
        total, global_loss, local_loss = means.tolist()
        return StepResult(total, global_loss, local_loss, float(gradient_norm))

    def _losses(self, images: Tensor, comparable: Tensor | None) -> Losses:
        is_bfloat16 = self._config.optimization.precision == "bfloat16"
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=is_bfloat16):
            features = learning_forward(self.network, images.to(self._device))
        return batch_losses(
            Features(features.global_features.float(), features.local_features.float(), features.local_grid),
            negatives=self._config.mining.negatives,
            loss=self._config.loss,
            comparable=comparable,
        )
