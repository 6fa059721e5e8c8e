"""The pictures of a step, and the pairs that show the same place; both follow from the seed and the step."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo.pretraining.config import PretrainingConfig
from demo.pretraining.frames import PATCHES, Frames
from model.errors import InvalidInput


@dataclass(frozen=True)
class Batch:
    """Hold the pictures of a step.

    Attributes:
        rows: ``(b,)`` rows of the frames.
        kept: ``(b, k)`` the patches of each picture that the network receives.
        gain: ``(b, 3)`` factors of the colours.
        offset: ``(b, 3)`` offsets of the colours, in units of the full range.
        is_same: ``(b, b)`` bool: whether two pictures show the same place; false for a picture and itself.
        is_other: ``(b, b)`` bool: whether two pictures show different places. If neither is true, they are not
            compared.
    """

    rows: NDArray[np.int64]
    kept: NDArray[np.int64]
    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    is_same: NDArray[np.bool_]
    is_other: NDArray[np.bool_]


class Sampler:
    """Draw batches: some streets, some places of each, some views of each place."""

    def __init__(self, frames: Frames, config: PretrainingConfig) -> None:
        """Group the frames.

        Raises:
            InvalidInput: There are fewer streets, places or views than a batch has.
        """
        self._frames = frames
        self._config = config
        views: dict[int, list[int]] = defaultdict(list)
        for row, place in enumerate(frames.place.tolist()):
            views[place].append(row)
        places: dict[int, list[int]] = defaultdict(list)
        for place, rows in views.items():
            places[int(frames.street[rows[0]])].append(place)
        self._views = {place: np.array(rows) for place, rows in views.items()}
        self._places = {street: np.array(numbers) for street, numbers in places.items()}
        for what, there, needed in (
            ("streets", len(self._places), config.streets),
            ("places in a street", min(map(len, self._places.values())), config.places),
            ("views of a place", min(map(len, self._views.values())), config.views),
        ):
            if there < needed:
                raise InvalidInput(f"a batch has {needed} {what}, and the pictures have {there}; render more")

    def batch(self, step: int) -> Batch:
        """Return the batch of a step."""
        config = self._config
        random = np.random.default_rng([config.seed, step])
        rows = np.concatenate(
            [
                random.choice(self._views[place], config.views, replace=False)
                for street in random.choice(list(self._places), config.streets, replace=False)
                for place in random.choice(self._places[street], config.places, replace=False)
            ]
        )
        kept = random.random((len(rows), PATCHES)).argpartition(config.patches_at(step), axis=1)
        light = random.uniform(0.6, 1.4, (len(rows), 1)) * random.uniform(0.88, 1.12, (len(rows), 3))
        is_same, is_other = self._compare(rows)
        return Batch(
            rows=rows,
            kept=np.sort(kept[:, : config.patches_at(step)], axis=1),
            gain=light.astype(np.float32),
            offset=random.uniform(-0.12, 0.12, (len(rows), 3)).astype(np.float32),
            is_same=is_same,
            is_other=is_other,
        )

    def _compare(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        street, along_m = self._frames.street[rows], self._frames.along_m[rows]
        heading = np.radians(self._frames.heading_deg[rows])
        in_street = street[:, None] == street
        apart_m = np.abs(along_m[:, None] - along_m)
        looks_alike = np.cos(heading[:, None] - heading) > 0
        is_same = in_street & looks_alike & (apart_m < self._config.same_place_m)
        np.fill_diagonal(is_same, val=False)
        return is_same, ~in_street | (apart_m >= self._config.other_place_m)
