"""The plain path of a query: the steps of the reference implementation, in a few lines of torch, in float32."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.match import count_all_at_once
from model.codes import as_features
from model.selavpr.selavpr import SelaVPR
from place_map.reader import PlaceMap
from service.decoding import decode_query
from service.settings import ServiceSettings
from service.stages import Stage, StageClock


class PlainPath:
    """Answer queries against a map without the encoder, the index and the kernels of the service.

    Args:
        network: The network in eval mode, on the CPU.
        place_map: The map; its global features are kept in memory, as float32.
    """

    def __init__(self, network: SelaVPR, place_map: PlaceMap) -> None:
        self._network = network
        self._map = place_map
        self._global_features = torch.from_numpy(place_map.global_features(np.arange(len(place_map))))

    @torch.inference_mode()
    def answer(self, photo: Path, shortlist: int) -> tuple[int, dict[Stage, float]]:
        """Find a photo.

        Returns:
            The row of the best candidate, and the seconds of each stage.
        """
        clock = StageClock()
        with clock.measure(Stage.DECODE):
            image = decode_query(photo, ServiceSettings().image_limits, SelaVPR.needs)
        with clock.measure(Stage.ENCODE):
            features = self._network(image[None])
        with clock.measure(Stage.SHORTLIST):
            distances = (self._global_features - features.global_features).norm(dim=1)  # (n,)
            rows = distances.argsort(stable=True)[:shortlist]
        with clock.measure(Stage.GATHER):
            candidates: Tensor = as_features(self._map.local_features(rows.numpy()))
        with clock.measure(Stage.RERANK):
            counts = count_all_at_once(features.local_features[0], candidates)
            best = int(rows[counts.argsort(descending=True, stable=True)[0]])
        return best, dict(clock.seconds)
