"""What the worker thread does with queries: a network on its device, and the maps."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.preprocess import INPUT_SIZE
from service.loading import LoadedMaps, load_maps
from service.localizer import EncodedQuery, Localization, Localizer, QueryDefaults, QueryOptions, encode_queries
from service.settings import ServiceSettings


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


class Engine:
    """Answers queries on one device; a processor for ``service.batching.DeviceWorker``.

    Attributes:
        fatal_errors: After an error of the accelerator itself nothing on it works any more.
        expected_s: Seconds that a query takes, as measured before the first client asks.
        loaded: Network and maps.
        defaults: What a query gets that does not say.
    """

    fatal_errors: tuple[type[BaseException], ...] = (torch.AcceleratorError,)

    def __init__(self, loaded: LoadedMaps, defaults: QueryDefaults) -> None:
        self.expected_s = 0.0
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
            searcher=settings.searcher,
        )
        defaults = QueryDefaults.for_encoder(
            loaded.encoder, candidates=settings.candidates, shortlist=settings.shortlist, rerank=settings.rerank
        )
        engine = cls(loaded, defaults)
        try:
            engine.warm_up()
        except BaseException:
            loaded.close()
            raise
        return engine

    def warm_up(self) -> None:
        """Asks each map twice about a black picture: the first pays for all beginnings, the second is measured."""
        smallest = QueryOptions(candidates=1, shortlist=1, rerank=True)
        for options in (smallest, self.defaults.options()):
            for localizer in self.loaded.localizers.values():
                start = time.perf_counter()
                query = Query(torch.zeros(3, *INPUT_SIZE), localizer, options)
                self.answer(query, self.encode([query])[0], lambda: True)
                self.expected_s = time.perf_counter() - start

    def encode(self, items: Sequence[Query]) -> list[EncodedQuery]:
        """Encodes the pictures of a batch together."""
        return encode_queries(self.loaded.encoder, torch.stack([query.image for query in items]))

    def answer(self, item: Query, encoded: EncodedQuery, is_wanted: Callable[[], bool]) -> Localization:
        """Finds one of them in its map."""
        return item.localizer.localize(encoded, item.options, is_wanted)

    def close(self) -> None:
        """Closes the maps."""
        self.loaded.close()
