"""An encoder without a network: features that depend on a picture's pixels alone, in no time."""

from hashlib import sha256

import torch
from torch import Tensor
from torch.nn.functional import normalize

from model.cell_grid import CellGrid
from model.encoder import Encoder
from model.features import Features
from model.selavpr.selavpr import SelaVPR
from tests.model.training.small_run import NETWORK


class StubEncoder(Encoder):
    """Draw the features of a picture from a generator whose seed is the sum of its pixels' bytes."""

    def __init__(self) -> None:  # the parent's wants a network
        self.fingerprint = sha256(b"stub").hexdigest()
        self.config = NETWORK
        self.device = torch.device("cpu")
        self.family, self.reranker, self.match_floor = SelaVPR.family, SelaVPR.reranker, None
        self.weights_licence = SelaVPR.weights_licence
        self.preparation = SelaVPR.needs
        self.precision = "float32"
        self.is_trained = True
        self.global_dim, self.local_dim, self.local_extras = 8, 4, 0
        self.cells = CellGrid((2, 2), (2, 2))

    def encode(self, images: Tensor) -> Features:
        """See the parent class."""
        cells = self.local_grid[0] * self.local_grid[1]
        global_features, local_features = [], []
        for image in images:
            seed = int.from_bytes(sha256(image.numpy().tobytes()).digest()[:8])
            generator = torch.Generator().manual_seed(seed)
            global_features.append(torch.randn(self.global_dim, generator=generator))
            local_features.append(torch.randn(cells, self.local_dim, generator=generator))
        return Features(
            global_features=normalize(torch.stack(global_features), dim=-1),
            local_features=normalize(torch.stack(local_features), dim=-1),
            local_grid=self.local_grid,
        )
