"""The optimizer: Muon for the matrices of the blocks, AdamW for all other parameters."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from demo.pretraining.config import PretrainingConfig
from model.selavpr.selavpr import SelaVPR


class MuonAndAdamW:
    """Join Muon for the matrices of the blocks and AdamW for the rest into one optimizer.

    Muon changes a matrix by nearly the same length in each of its directions (momentum, made orthogonal by Newton and
    Schulz's iteration; https://kellerjordan.github.io/posts/muon), and not mostly in the few directions in which the
    gradient is long. Its rate is scaled so that entries change as much as with AdamW (``match_rms_adamw``).
    """

    def __init__(self, network: SelaVPR, scale: nn.Parameter, config: PretrainingConfig) -> None:
        """Take the backbone's weights and the loss's scale; p of GeM keeps SelaVPR's initial value.

        Args:
            network: The network that learns; it has no adapters.
            scale: The scale of the loss.
            config: The rates and the decay.
        """
        learns = {name: each for name, each in network.backbone.named_parameters() if name != "mask_token"}
        by_muon = {name: each for name, each in learns.items() if name.startswith("blocks.") and each.ndim == 2}
        rest = [each for name, each in learns.items() if name not in by_muon]
        is_matrix = [each.ndim >= 2 and each.shape[0] != 1 for each in rest]  # offsets and factors do not decay
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
        """Forget all gradients."""
        for optimizer in self._optimizers.values():
            optimizer.zero_grad(set_to_none=True)

    def step(self, share: float) -> None:
        """Update the weights.

        Args:
            share: The share of the highest learning rates, 0 … 1.
        """
        for name, optimizer in self._optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = share * self._highest_rates[name]
            optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the state for :meth:`load_state_dict`."""
        return {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from the state of :meth:`state_dict`."""
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state[name])
