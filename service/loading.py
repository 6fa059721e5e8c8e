"""Opens a network and the maps that it built: the same for the server and for the command line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.device import DeviceChoice, DeviceName, choose_device
from model.encoder import Encoder
from model.errors import InvalidInput
from model.matching import MatchingPrecision
from model.network_precision import (
    NetworkPrecision,
    PrecisionChoice,
    RequestedPrecision,
    choose_network_precision,
)
from model.weights import load_network
from model.weights_cache import AUTO
from place_map.errors import NetworkMismatch
from place_map.global_index import Backend, open_searcher, read_searcher
from place_map.network_file import find_network_file
from place_map.reader import PlaceMap
from place_map.searching import Searcher
from service.localizer import Localizer
from service.query_options import DEFAULT_PRECISION


@dataclass(frozen=True)
class LoadedMaps:
    """A network on its device, and a localizer for each map.

    Attributes:
        device: Where, and why there.
        network_precision: In which arithmetic queries are encoded, and why.
        encoder: The network; all maps were built with it.
        localizers: By the name of the map.
    """

    device: DeviceChoice
    network_precision: PrecisionChoice
    encoder: Encoder
    localizers: dict[str, Localizer]

    def close(self) -> None:
        """Closes the maps."""
        for localizer in self.localizers.values():
            localizer.place_map.close()


@dataclass(frozen=True)
class OpenedVersion:
    """A version of a map that is checked and read, and not on the device yet.

    Attributes:
        place_map: The version.
        encoder: The network that it was built with.
        place_searcher: Makes its searcher.
        matching_precision: Of counting mutual matches.
        match_floor: The least cosine of a match; None for the map's.
    """

    place_map: PlaceMap
    encoder: Encoder
    place_searcher: Callable[[], Searcher]
    matching_precision: MatchingPrecision
    match_floor: float | None

    def localizer(self) -> Localizer:
        """Brings it to the device; to be called on the thread that owns it."""
        return Localizer(self.encoder, self.place_map, self.place_searcher(), self.matching_precision, self.match_floor)


def open_version(
    path: Path,
    version: str,
    encoder: Encoder,
    *,
    searcher: Backend = "auto",
    matching_precision: MatchingPrecision = DEFAULT_PRECISION,
    match_floor: float | None = None,
) -> OpenedVersion:
    """Opens a version of a map for a network that is loaded, on any thread.

    Args:
        path: Directory of the map.
        version: Its number.
        encoder: The network.
        searcher: What is to search the index.
        matching_precision: Of counting mutual matches.
        match_floor: The least cosine of a match; None for the map's.

    Raises:
        VersionNotFound: There is no such version.
        InvalidInput: There is nothing that could search it.
        MapError: It cannot be used, or not with this network.
    """
    place_map = PlaceMap.open(path, version)
    try:
        place_map.check_network(encoder)
        place_searcher = read_searcher(place_map, encoder.device, searcher)
        return OpenedVersion(place_map, encoder, place_searcher, matching_precision, match_floor)
    except BaseException:
        place_map.close()
        raise


def load_maps(
    paths: Sequence[Path],
    *,
    weights: str | None = None,
    num_heads: int | None = None,
    device: DeviceName = "auto",
    network_precision: RequestedPrecision = "auto",
    searcher: Backend = "auto",
    matching_precision: MatchingPrecision = DEFAULT_PRECISION,
    match_floor: float | None = None,
) -> LoadedMaps:
    """Opens maps with the network that built them.

    To be called on the thread that will use the device.

    Args:
        paths: Directories of the maps, one at least.
        weights: The network: a checkpoint file or a known name; by default the file that the first map was built with,
            if it is still there.
        num_heads: Attention heads, if the checkpoint does not tell; by default what the map says.
        device: Where the network is to live.
        network_precision: In which arithmetic; ``auto`` takes that of the maps if the device has it.
        searcher: What is to search the indices.
        matching_precision: Of counting mutual matches.
        match_floor: The least cosine of a match; None for that of each map.

    Raises:
        DeviceUnavailable: There is no such device, or it has no such arithmetic.
        InvalidInput: No map, or two of one name.
        MapError: A map that cannot be used, or not with this network.
        WeightsError: A checkpoint that cannot be found or used.
    """
    choice = choose_device(device)
    maps = _open_all(paths)
    try:
        arithmetic = choose_network_precision(
            network_precision, choice.device, [place_map.manifest.network.precision for place_map in maps.values()]
        )
        encoder = _load_encoder(next(iter(maps.values())), weights, num_heads, choice, arithmetic.precision)
        localizers = {
            name: Localizer(
                encoder, place_map, open_searcher(place_map, choice.device, searcher), matching_precision, match_floor
            )
            for name, place_map in maps.items()
        }
    except BaseException:
        for place_map in maps.values():
            place_map.close()
        raise
    return LoadedMaps(choice, arithmetic, encoder, localizers)


def _open_all(paths: Sequence[Path]) -> dict[str, PlaceMap]:
    if not paths:
        raise InvalidInput("no map was given; name one with --map maps/NAME, or build one with placefix build")
    maps: dict[str, PlaceMap] = {}
    for path in paths:
        place_map = PlaceMap.open(path)
        if place_map.name in maps:
            raise InvalidInput(f"two maps are named {place_map.name}; requests could not tell them apart")
        maps[place_map.name] = place_map
    return maps


def _load_encoder(
    place_map: PlaceMap,
    weights: str | None,
    num_heads: int | None,
    choice: DeviceChoice,
    precision: NetworkPrecision,
) -> Encoder:
    identity = place_map.manifest.network
    path = find_network_file(identity, place_map.name, weights)
    network = load_network(path, identity.config.get("num_heads") if num_heads is None else num_heads)
    encoder = Encoder(network, choice.device, place_map.manifest.preparation_for(network), precision)
    if weights in (None, AUTO) and encoder.fingerprint != identity.fingerprint:
        raise NetworkMismatch(
            f"{path} is not any more what the map {place_map.name} was built with (fingerprint "
            f"{encoder.fingerprint[:12]}…, the map's is {identity.fingerprint[:12]}…); name the right file with "
            "--weights, or build the map again"
        )
    place_map.check_network(encoder)
    return encoder
