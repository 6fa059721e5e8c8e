"""Answer queries on the worker's thread, with a network on its device and the maps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
import torch
from torch import Tensor

from place_map.errors import MapError
from service.configured_maps import load_configured
from service.encoded_query import EncodedQuery, encode_queries
from service.errors import ShardUnavailable
from service.loading import LoadedMaps, OpenedVersion, ShardsInUse
from service.localization import Localization
from service.localizer import Localizer
from service.query_options import QueryDefaults, QueryOptions
from service.served_maps import OnUnread, ServedMaps
from service.settings import ServiceSettings
from service.stages import Stage
from service.words import MOST_MATCHED

# Errors without a class in torch have these messages: from its allocator for the CPU; from CUDA itself, for memory
# beside torch's allocator, such as pinned memory; from cuBLAS; from Triton. The device still works after them.
_NO_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "Triton Error [CUDA]: out of memory",
)
_log = structlog.stdlib.get_logger("placefix.service")

_LATEST_WEIGHT = 0.3  # the weight of the latest duration in the running means


@dataclass(frozen=True)
class Query:
    """Hold a decoded picture, and the options of its query.

    Attributes:
        image: The picture, ``(3, H, W)`` float32 on the CPU.
        localizer: The version of the map that answers, the same from admission to answer.
        options: The options of the query.
    """

    image: Tensor
    localizer: Localizer
    options: QueryOptions

    @property
    def compared(self) -> int:
        """Return how many pictures of the map may be compared; matches as evidence are compared once more."""
        again = MOST_MATCHED if self.options.evidence == "matches" else 0
        if self.localizer.rerank_for(self.options.rerank) == "never":
            return again
        return min(self.options.shortlist, len(self.localizer.place_map)) + again


class Engine:
    """Answer queries on one device, on the thread of ``DeviceWorker``.

    Attributes:
        fatal_errors: The errors of the accelerator itself, after which nothing on it works any more.
        memory_errors: The errors of too little memory for this much at a time.
        device: The device of the network, and the reason for it.
        encoding: The arithmetic in which queries are encoded, and the reason for it.
        encoder: The network.
        maps: The maps that are served.
        shards: The shards that have the maps' features; None if these are here.
        defaults: The values of the options that a query leaves open.
    """

    fatal_errors: tuple[type[BaseException], ...] = (torch.AcceleratorError,)
    memory_errors: tuple[type[BaseException], ...] = (torch.OutOfMemoryError, MemoryError)
    shards: ShardsInUse | None = None

    def __init__(self, loaded: LoadedMaps, defaults: QueryDefaults, on_unread: OnUnread = Localizer.close) -> None:
        self._encode_s = 0.0  # seconds for a picture
        self._compare_s = 0.0  # seconds for a candidate
        self.device = loaded.device
        self.encoding = loaded.network_precision
        self.encoder = loaded.encoder
        self.maps = ServedMaps(loaded.localizers.values(), on_unread)
        self.shards = loaded.shards
        self.defaults = defaults

    @classmethod
    def load(cls, settings: ServiceSettings, on_unread: OnUnread = Localizer.close) -> "Engine":
        """Load network and maps, and answer a first query with each map, so that no client waits for the first one.

        Args:
            settings: The names of maps and network, and the device.
            on_unread: A function that closes a version of a map.

        Raises:
            PlacefixError: A map or the network cannot be loaded; see ``service.configured_maps.load_configured``.
        """
        loaded, defaults = load_configured(settings)
        engine = cls(loaded, defaults, on_unread)
        try:
            engine.warm_up()
        except BaseException:
            loaded.close()
            raise
        return engine

    def warm_up(self) -> None:
        """Ask each map about a black picture, twice: the first query has start-up costs, and measures nothing.

        If a shard is missing, log this: the service waits for it, and says that it is not ready.
        """
        for shortlist in (1, self.defaults.shortlist):
            self._encode_s = self._compare_s = 0.0
            options = QueryOptions(candidates=1, shortlist=shortlist, rerank="always")
            with self.maps.reading_all() as versions:
                for version in versions:
                    query = Query(torch.zeros(self.encoder.picture_shape), version.localizer, options)
                    try:
                        self.answer(query, self.encode([query])[0], lambda: True)
                    except ShardUnavailable as error:
                        _log.warning("a map does not answer yet", map=version.map_name, reason=error.message)

    def bring_in(self, opened: OpenedVersion) -> Localizer:
        """Bring another version of a map to the device and ask it about a black picture; it is not served yet.

        The durations are not remembered: nothing of the version is in memory yet, so the queue would expect too long
        waits.

        Raises:
            MapError: There is no memory for it beside the served maps; it is closed.
            PlacefixError: It does not answer; it is closed.
        """
        try:
            with telling_of_memory():
                return self._tried_out(opened)
        except self.memory_errors as error:
            no_memory = repr(error)
        self.free_memory()  # no longer in the except block, where the error keeps the memory
        place_map = opened.place_map
        raise MapError(
            f"version {place_map.version} of the map {place_map.name} does not fit into the memory of "
            f"{self.device.device} beside the served maps; restart the service to serve it alone ({no_memory})"
        )

    def _tried_out(self, opened: OpenedVersion) -> Localizer:
        localizer = opened.localizer()
        try:
            [encoded] = encode_queries(self.encoder, torch.zeros(1, *self.encoder.picture_shape))
            localizer.localize(encoded, QueryOptions(candidates=1, shortlist=self.defaults.shortlist, rerank="always"))
        except BaseException:
            localizer.close()
            raise
        return localizer

    def expected_s(self, item: Query) -> float:
        """Return the seconds that a query will take, estimated from the latest queries."""
        return self._encode_s + (item.compared * self._compare_s if self.shards is None else 0.0)

    def encode(self, items: Sequence[Query]) -> list[EncodedQuery]:
        """Encode the pictures of a batch together."""
        with telling_of_memory():
            encoded = encode_queries(self.encoder, torch.stack([query.image for query in items]))
        self._encode_s = _running_mean(self._encode_s, encoded[0].duration_s / len(items))
        return encoded

    def answer(self, item: Query, encoded: EncodedQuery, is_wanted: Callable[[], bool]) -> Localization:
        """Find an encoded query in its map."""
        with telling_of_memory():
            localization = item.localizer.localize(encoded, item.options, is_wanted)
        evidence = localization.verdict.evidence
        # auto may have compared fewer than it could, or none; shards take none of the device's time
        if self.shards is None and evidence is not None and evidence.compared:
            duration_s = localization.seconds[Stage.GATHER] + localization.seconds[Stage.RERANK]
            self._compare_s = _running_mean(self._compare_s, duration_s / evidence.compared)
        return localization

    def probe(self) -> None:
        """Encode a black picture, to check that the device still works."""
        encode_queries(self.encoder, torch.zeros(1, *self.encoder.picture_shape))

    def free_memory(self) -> None:
        """Free the memory that torch keeps for later."""
        if self.device.device.type == "cuda":
            torch.cuda.empty_cache()

    def close(self) -> None:
        """Close the maps, each as soon as nobody reads it, and the connections to shards."""
        self.maps.close()
        if self.shards is not None:
            self.shards.connections.close()


@contextmanager
def telling_of_memory() -> Iterator[None]:
    """Raise MemoryError for an error that only its message shows to be a lack of memory."""
    try:
        yield
    except RuntimeError as error:
        if not any(words in str(error) for words in _NO_MEMORY):
            raise
        raise MemoryError(str(error)) from error


def _running_mean(mean: float, latest: float) -> float:
    return mean + _LATEST_WEIGHT * (latest - mean) if mean else latest
