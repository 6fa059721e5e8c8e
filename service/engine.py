"""What the worker thread does with queries: a network on its device, and the maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.preprocess import INPUT_SIZE
from service.loading import LoadedMaps, load_maps
from service.localizer import EncodedQuery, Localization, Localizer, QueryDefaults, QueryOptions, encode_queries
from service.settings import ServiceSettings
from service.stages import Stage

_LATEST_WEIGHT = 0.3  # of the latest duration in the running means


@dataclass(frozen=True)
class Query:
    """A decoded picture, and what is asked about it.

    Attributes:
        image: ``(3, 224, 224)`` float32 on the CPU.
        localizer: The version of the map that will answer, from admission to answer the same.
        options: What to look for.
    """

    image: Tensor
    localizer: Localizer
    options: QueryOptions

    @property
    def compared(self) -> int:
        """Pictures of the map whose local features will be compared with the query's."""
        return min(self.options.shortlist, len(self.localizer.place_map)) if self.options.rerank else 0


class Engine:
    """Answers queries on one device; a processor for ``service.batching.DeviceWorker``.

    Attributes:
        fatal_errors: After an error of the accelerator itself nothing on it works any more.
        loaded: Network and maps.
        defaults: What a query gets that does not say.
    """

    fatal_errors: tuple[type[BaseException], ...] = (torch.AcceleratorError,)

    def __init__(self, loaded: LoadedMaps, defaults: QueryDefaults) -> None:
        self._encode_s = 0.0  # for a picture
        self._compare_s = 0.0  # for a candidate
        self.loaded = loaded
        self.defaults = defaults

    @classmethod
    def load(cls, settings: ServiceSettings) -> "Engine":
        """Loads what the settings name, and answers a first query with each map, so that no client waits for that.

        Raises:
            PlacefixError: Something cannot be loaded; see ``service.loading.load_maps``.
        """
        loaded = load_maps(
            settings.maps,
            weights=settings.weights,
            num_heads=settings.num_heads,
            device=settings.device,
            encoding=settings.encoding,
            searcher=settings.searcher,
            precision=settings.precision,
        )
        defaults = QueryDefaults.for_encoder(
            loaded.encoder,
            precision=settings.precision,
            candidates=settings.candidates,
            shortlist=settings.shortlist,
            rerank=settings.rerank,
        )
        engine = cls(loaded, defaults)
        try:
            engine.warm_up()
        except BaseException:
            loaded.close()
            raise
        return engine

    def warm_up(self) -> None:
        """Asks each map about a black picture, twice: the first pays for all beginnings, and tells no duration."""
        for shortlist in (1, self.defaults.shortlist):
            self._encode_s = self._compare_s = 0.0
            options = QueryOptions(candidates=1, shortlist=shortlist, rerank=True)
            for localizer in self.loaded.localizers.values():
                query = Query(torch.zeros(3, *INPUT_SIZE), localizer, options)
                self.answer(query, self.encode([query])[0], lambda: True)

    def expected_s(self, item: Query) -> float:
        """Seconds that a query will take, by what the latest took."""
        return self._encode_s + item.compared * self._compare_s

    def encode(self, items: Sequence[Query]) -> list[EncodedQuery]:
        """Encodes the pictures of a batch together."""
        encoded = encode_queries(self.loaded.encoder, torch.stack([query.image for query in items]))
        self._encode_s = _running_mean(self._encode_s, encoded[0].duration_s / len(items))
        return encoded

    def answer(self, item: Query, encoded: EncodedQuery, is_wanted: Callable[[], bool]) -> Localization:
        """Finds one of them in its map."""
        localization = item.localizer.localize(encoded, item.options, is_wanted)
        if item.compared:
            duration_s = localization.seconds[Stage.GATHER] + localization.seconds[Stage.RERANK]
            self._compare_s = _running_mean(self._compare_s, duration_s / item.compared)
        return localization

    def close(self) -> None:
        """Closes the maps."""
        self.loaded.close()


def _running_mean(mean: float, latest: float) -> float:
    return mean + _LATEST_WEIGHT * (latest - mean) if mean else latest
