"""The frozen network on one device: pictures in, features out."""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor

from model.cell_grid import CellGrid
from model.errors import InvalidInput, ModelOutputInvalid
from model.families import family_named
from model.features import Features
from model.fingerprint import fingerprint
from model.freed_memory import keep_freed_memory
from model.frozen.cuda_graph import CudaGraph
from model.frozen.target import Target
from model.network import Network
from model.network_precision import NetworkPrecision, check_int8
from model.preprocess import Preparation

# The fixed number of pictures in a forward pass. Another number may use another kernel, which rounds differently; an
# answer would then depend on other queries. One picture keeps a CPU busy, and its tokens in the cache; a GPU needs
# more.
_AT_A_TIME = {"cpu": 1, "cuda": 4}


class Encoder:
    """Encode pictures by a network that no longer changes, on its device.

    It keeps a fast form of the network (``model.families``) and not the network itself. The features of a picture do
    not depend on the other pictures in the batch, to the last bit.

    It is not thread-safe on a GPU: one thread owns it.

    Attributes:
        family: The family of the network.
        config: The shape of the network.
        device: The device of the network and of the returned features.
        preparation: The preparation of its pictures.
        precision: The precision of the products in the network. Features are float32 in each.
        fingerprint: The fingerprint of the network, 64 hex digits.
        is_trained: Whether the network is trained, so that re-ranking has a meaning.
        reranker: The name of the re-ranker of the network's method.
        weights_licence: The licence of all published weights of the family; None if that differs from file to file.
        match_floor: The least cosine of a match of two local features; None for no limit.
        global_dim: Width D of the global feature.
        local_dim: Channels C of a local feature.
        local_extras: The numbers E beside each local feature.
        pair_network: The network by which the re-ranker compares two pictures, on the device; None if it needs none.
        cells: Where the local features lie in a picture.
    """

    def __init__(
        self,
        network: Network,
        device: torch.device | str = "cpu",
        preparation: Preparation | None = None,
        precision: NetworkPrecision = "float32",
    ) -> None:
        """Freeze a network.

        Args:
            network: The network in eval mode; it is not changed.
            device: The device.
            preparation: The preparation of pictures, from ``network.preparation``; by default the one that the network
                needs.
            precision: The precision of the products in the network.

        Raises:
            InvalidInput: The network's features change too much in that precision.
            DeviceUnavailable: The device cannot encode in that precision.
        """
        if precision not in network.precisions:
            raise InvalidInput(
                f"the features of a network of the family {network.family} change too much in {precision}: use "
                "--network-precision auto"
            )
        if precision == "int8":
            check_int8(torch.device(device))
        self.fingerprint = fingerprint(network)
        self.family = network.family
        self.config = network.config
        self.device = torch.device(device)
        self.preparation = network.preparation() if preparation is None else preparation
        self.precision: NetworkPrecision = precision
        self.is_trained = network.is_trained
        self.reranker = network.reranker
        self.weights_licence = network.weights_licence
        self.match_floor = network.match_floor
        self.global_dim = network.global_dim
        self.local_dim = network.local_dim
        self.local_extras = network.local_extras
        self.pair_network = deepcopy(network.pair_network)
        if self.pair_network is not None:
            self.pair_network.to(self.device).requires_grad_(requires_grad=False)
        size = self.preparation.size
        self.cells = CellGrid(network.local_grid(size), network.patch_grid(size))
        self._at_a_time = _AT_A_TIME[self.device.type]
        if self.device.type == "cpu":
            keep_freed_memory()
        target = Target(self.device, precision)
        freeze = family_named(network.family).freeze
        self._frozen = freeze(network, size, target, self._at_a_time)
        self._forward: Callable[[Tensor], Features] = self._frozen
        if self.device.type == "cuda":
            shape = (self._at_a_time, 3, *self.preparation.size)
            self._forward = CudaGraph(self._frozen, shape, self.device)

    @property
    def local_grid(self) -> tuple[int, int]:
        """Return height and width of the local features of a picture."""
        return self.cells.cells

    @property
    def picture_size(self) -> tuple[int, int]:
        """Return height and width of a prepared picture."""
        return self.preparation.size

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """Return the shape of a prepared picture, ``(3, H, W)``."""
        return 3, self.preparation.height, self.preparation.width

    @torch.inference_mode()
    def shares(self, image: Tensor) -> Tensor | None:
        """Say how much each part of a picture weighs in its global feature: a forward pass of its own.

        Args:
            image: ``(3, H, W)`` float32, prepared as for ``encode``, on any device.

        Returns:
            ``(rows, columns)`` of ``cells.patches``, float32 on the CPU, at least 0, with a sum of 1. None if the
            global feature is not a mean over the picture.
        """
        shares = self._frozen.shares(image[None].to(self.device, torch.float32))
        return None if shares is None else shares[0].cpu()

    @torch.inference_mode()
    def encode(self, images: Tensor) -> Features:
        """Encode a batch of preprocessed pictures.

        Args:
            images: ``(B, 3, H, W)`` float32 (``model.preprocess.preprocess``), on any device.

        Returns:
            Features in float32 on the encoder's device.

        Raises:
            InvalidInput: The pictures have another shape.
            ModelOutputInvalid: The network returned NaN or infinity.
        """
        if images.ndim != 4 or images.shape[1:] != self.picture_shape:
            shape = ", ".join(map(str, self.picture_shape))
            raise InvalidInput(f"pictures must be (B, {shape}), not {tuple(images.shape)}")
        features = self._encode_in_parts(images.to(self.device, torch.float32))
        for kind, values in (
            ("global", features.global_features),
            ("local", features.local_features),
            ("local", features.local_extras),
        ):
            if values is not None and not bool(values.isfinite().all()):
                raise ModelOutputInvalid(
                    f"the network's {kind} features contain NaN or infinity; its weights are damaged or not its own"
                )
        return features

    def _encode_in_parts(self, images: Tensor) -> Features:
        """Run forward passes with a fixed number of pictures; black pictures fill up the last one."""
        count, size = len(images), self._at_a_time
        cells = self.local_grid[0] * self.local_grid[1]
        features = Features(
            global_features=torch.empty(count, self.global_dim, device=self.device),
            local_features=torch.empty(count, cells, self.local_dim, device=self.device),
            local_grid=self.local_grid,
            local_extras=torch.empty(count, cells, self.local_extras, device=self.device),
        )
        for start in range(0, count, size):
            part = images[start : start + size]
            if len(part) < size:
                part = torch.cat((part, part.new_zeros(size - len(part), *part.shape[1:])))
            encoded = self._forward(part)
            rows = slice(start, min(start + size, count))
            features.global_features[rows] = encoded.global_features[: count - start]
            features.local_features[rows] = encoded.local_features[: count - start]
            if features.local_extras is not None and encoded.local_extras is not None:
                features.local_extras[rows] = encoded.local_extras[: count - start]
        return features
