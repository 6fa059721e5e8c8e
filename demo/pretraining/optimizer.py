"""What moves the weights: Muon the matrices of the blocks, AdamW everything else."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from demo.pretraining.config import PretrainingConfig
from model.selavpr.selavpr import SelaVPR


class MuonAndAdamW:
    """Muon for the matrices of the blocks, AdamW for the rest, as one optimizer.

    A matrix that Muon moves is moved by nearly the same length in each of its directions (momentum, made orthogonal by
    Newton and Schulz's iteration; https://kellerjordan.github.io/posts/muon), and not mostly in those few in which the
    gradient is long. Its rate is scaled so that entries move as far as AdamW's (``match_rms_adamw``).
    """

    def __init__(self, network: SelaVPR, scale: nn.Parameter, config: PretrainingConfig) -> None:
        """Takes the backbone's weights and the loss's scale; p of GeM stays where SelaVPR begins.

        Args:
            network: What learns; it has no adapters.
            scale: Of the loss.
            config: Rates and decay.
        """
        learns = {name: each for name, each in network.backbone.named_parameters() if name != "mask_token"}
        by_muon = {name: each for name, each in learns.items() if name.startswith("blocks.") and each.ndim == 2}
        rest = [each for name, each in learns.items() if name not in by_muon]
        is_matrix = [each.ndim >= 2 and each.shape[0] != 1 for each in rest]  # what is added or multiplied decays not
        decays = [each for each, is_one in zip(rest, is_matrix, strict=True) if is_one]
        others = [each for each, is_one in zip(rest, is_matrix, strict=True) if not is_one]
        self._highest_rates = {"muon": config.matrix_learning_rate, "adamw": config.learning_rate}
        self._optimizers: dict[str, Optimizer] = {
            "muon": Muon(by_muon.values(), weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"),
            "adamw": AdamW(
                [
                    {"params": decays, "weight_decay": config.weight_decay},
                    {"params": [*others, scale], "weight_decay": 0.0},
                ]
            ),
        }

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for optimizer in self._optimizers.values():
            optimizer.zero_grad(set_to_none=True)

    def step(self, share: float) -> None:
        """Moves the weights.

        Args:
            share: Of the highest learning rates, 0 … 1.
        """
        for name, optimizer in self._optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = share * self._highest_rates[name]
            optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """What :meth:`load_state_dict` continues from."""
        return {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from what :meth:`state_dict` gave."""
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state[name])
