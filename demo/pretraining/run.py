"""The loop of pre-training, which continues from its checkpoint after a stop."""

import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, isfinite, log, pi
from pathlib import Path

import torch
from torch import Tensor, nn

from demo.pretraining.batches import Sampler
from demo.pretraining.config import PretrainingConfig
from demo.pretraining.frames import Frames, as_tensor
from demo.pretraining.loss import place_loss
from demo.pretraining.optimizer import MuonAndAdamW
from demo.pretraining.shape import BACKBONE_CONFIG
from demo.pretraining.sparse_network import sparse_features
from model.durable import written_whole
from model.selavpr.initialisation import seeded_network
from model.selavpr.layer_scale import LayerScale
from model.selavpr.selavpr import SelaVPR
from model.training.errors import CheckpointError, TrainingDiverged

CHECKPOINT_NAME = "pretraining.pt"
_FIRST_LAYER_SCALE = 0.5  # for a network with random initial weights; 1 is for loaded weights
_LARGEST_SCALE = 100.0


@dataclass(frozen=True)
class Advance:
    """Report the progress of a pre-training.

    Attributes:
        step: The number of finished steps.
        loss: The mean loss of the steps since the last report.
        pictures_per_s: The mean rate since the last report.
    """

    step: int
    loss: float
    pictures_per_s: float


class Pretraining:
    """Run one pre-training in one folder.

    All random choices follow from the seed and the number of the step. A continued training therefore equals an
    uninterrupted one, to the last bit on a CPU with the same number of threads.

    Attributes:
        network: The network.
        step: The number of finished steps.
    """

    def __init__(self, frames: Frames, config: PretrainingConfig, folder: Path, device: torch.device) -> None:
        """Begin, or continue the checkpoint in the folder.

        Raises:
            InvalidInput: There are too few pictures.
            CheckpointError: The checkpoint belongs to other settings or pictures, or is damaged.
        """
        self.network = _beginning(config.seed).to(device)
        self.step = 0
        self._config = config
        self._device = device
        self._sampler = Sampler(frames, config)
        self._patches = as_tensor(frames, device)
        self._log_scale = nn.Parameter(torch.tensor(log(config.first_scale), device=device))
        self._optimizer = MuonAndAdamW(self.network, self._log_scale, config)
        self._path = folder / CHECKPOINT_NAME
        self._identity = {"settings": config.what_is_learned(), "pictures": len(frames)}
        folder.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            self._continue()

    def run(self, report_every: int = 50) -> Iterator[Advance]:
        """Train to the last step.

        Yields:
            The progress, at regular steps.

        Raises:
            TrainingDiverged: The loss is not finite.
            CheckpointError: A checkpoint cannot be written.
        """
        losses: list[Tensor] = []
        began_s = time.monotonic()
        while self.step < self._config.steps:
            losses.append(self._advance())
            if self.step % report_every == 0 or self.step == self._config.steps:
                loss = float(torch.stack(losses).mean())
                if not isfinite(loss):
                    raise TrainingDiverged(
                        f"the loss is {loss} around step {self.step}; lower the learning rate. The checkpoint in "
                        f"{self._path.parent} is older"
                    )
                elapsed_s = time.monotonic() - began_s
                yield Advance(self.step, loss, len(losses) * self._config.batch_size / elapsed_s)
                losses.clear()
                began_s = time.monotonic()
            if self.step % self._config.checkpoint_every == 0 or self.step == self._config.steps:
                self._save()

    def _advance(self) -> Tensor:
        batch = self._sampler.batch(self.step)
        rows, kept = torch.from_numpy(batch.rows), torch.from_numpy(batch.kept)
        rows, kept = rows.to(self._patches.device), kept.to(self._patches.device)
        patches = self._patches[rows[:, None], kept].to(self._device)  # (b, k, 588)
        gain, offset = torch.from_numpy(batch.gain).to(self._device), torch.from_numpy(batch.offset).to(self._device)
        is_same = torch.from_numpy(batch.is_same).to(self._device)
        is_other = torch.from_numpy(batch.is_other).to(self._device)
        self._optimizer.zero_grad()
        with torch.autocast(self._device.type, dtype=torch.bfloat16):
            features = sparse_features(self.network, patches, kept, gain, offset)
        scale = self._log_scale.exp().clamp(max=_LARGEST_SCALE)
        loss = place_loss(features.float(), is_same, is_other, scale)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self._config.largest_gradient)
        self._optimizer.step(self._share_of_rate())
        self.step += 1
        return loss.detach()

    def _share_of_rate(self) -> float:
        """Return the share of the highest learning rates: it rises over the warm-up, then falls as a cosine."""
        config = self._config
        if self.step < config.warmup:
            return (self.step + 1) / config.warmup
        done = (self.step - config.warmup) / max(1, config.steps - config.warmup)
        return (1 + cos(pi * done)) / 2

    def _save(self) -> None:
        content = {
            "identity": self._identity,
            "step": self.step,
            "network": self.network.state_dict(),
            "log_scale": self._log_scale.detach(),
            "optimizer": self._optimizer.state_dict(),
        }
        try:
            with written_whole(self._path) as unfinished:
                torch.save(content, unfinished)
        except (OSError, RuntimeError) as error:
            raise CheckpointError(f"{self._path} cannot be written ({error}); the last one is still there") from error

    def _continue(self) -> None:
        try:
            content = torch.load(self._path, map_location="cpu", weights_only=True)
            identity = content["identity"]
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError) as error:
            raise CheckpointError(f"{self._path} is damaged ({error}); delete it, or choose another folder") from error
        if identity != self._identity:
            raise CheckpointError(
                f"{self._path} belongs to another pre-training ({identity}, not {self._identity}); choose another "
                "folder"
            )
        self.network.load_state_dict(content["network"])
        with torch.no_grad():
            self._log_scale.copy_(content["log_scale"])
        self._optimizer.load_state_dict(content["optimizer"])
        self.step = content["step"]


def _beginning(seed: int) -> SelaVPR:
    network = seeded_network(BACKBONE_CONFIG, seed)
    if network.pooling is not None:
        network.pooling.requires_grad_(False)  # p stays at 3, the initial value of SelaVPR's training
    for module in network.modules():
        if isinstance(module, LayerScale):
            nn.init.constant_(module.gamma, _FIRST_LAYER_SCALE)
    return network
