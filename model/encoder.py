"""The frozen network on one device: pictures in, features out."""

import torch
from torch import Tensor

from model.errors import InvalidInput, ModelOutputInvalid
from model.features import Features
from model.fingerprint import fingerprint
from model.network.selavpr import SelaVPR
from model.preprocess import INPUT_SIZE, Preprocessing


class Encoder:
    """A network that will not change any more, on the device where it works.

    Not thread-safe on a GPU: one thread owns it.

    Attributes:
        network: In eval mode, on ``device``, without gradients.
        device: Where the network and the features that it returns live.
        preprocessing: How the pictures given to it are to be resized.
        fingerprint: Of the network, 64 hex digits.
        is_trained: Whether re-ranking with this network means anything.
        global_dim: Width D of the global feature.
        local_dim: Channels C of a local feature.
        local_grid: Height and width of the local features of a picture.
    """

    def __init__(
        self,
        network: SelaVPR,
        device: torch.device | str = "cpu",
        preprocessing: Preprocessing = Preprocessing.ANTIALIAS,
    ) -> None:
        self.fingerprint = fingerprint(network)
        self.device = torch.device(device)
        self.network = network.eval().requires_grad_(False).to(self.device)
        self.preprocessing = preprocessing
        self.is_trained = network.is_trained
        self.global_dim = network.config.embed_dim
        self.local_dim = network.config.local_channels
        patch_size = network.config.patch_size
        self.local_grid = network.config.local_grid((INPUT_SIZE[0] // patch_size, INPUT_SIZE[1] // patch_size))

    @torch.inference_mode()
    def encode(self, images: Tensor) -> Features:
        """Encodes a batch of preprocessed pictures.

        Args:
            images: ``(B, 3, 224, 224)`` float32 (``model.preprocess.preprocess``), on any device.

        Returns:
            Features in float32 on the encoder's device.

        Raises:
            InvalidInput: Another shape.
            ModelOutputInvalid: The network produced NaN or infinity.
        """
        if images.ndim != 4 or images.shape[1:] != (3, *INPUT_SIZE):
            raise InvalidInput(f"pictures must be (B, 3, {INPUT_SIZE[0]}, {INPUT_SIZE[1]}), not {tuple(images.shape)}")
        features: Features = self.network(images.to(self.device))
        for kind, values in (("global", features.global_features), ("local", features.local_features)):
            if not bool(values.isfinite().all()):
                raise ModelOutputInvalid(
                    f"the network's {kind} features contain NaN or infinity; its weights are damaged or not its own"
                )
        return features
