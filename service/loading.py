"""Open a network and the maps that it built: the same for the server and for the command line."""

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
from model.weights_cache import AUTO
from place_map.errors import NetworkMismatch
from place_map.global_index import read_searcher
from place_map.network_file import find_network_file, read_network
from place_map.reader import PlaceMap
from place_map.shard import Shard
from service.localizer import Localizer
from service.query_options import DEFAULT_PRECISION
from service.remote_shards import connect
from service.shard_connections import ShardConnections


@dataclass(frozen=True)
class ShardsInUse:
    """Say where the features of maps are.

    Attributes:
        connections: The connections to all shards.
        count: The number of shards; the first so many addresses have them.
    """

    connections: ShardConnections
    count: int


@dataclass(frozen=True)
class LoadedMaps:
    """Hold a network on its device, and a localizer for each map.

    Attributes:
        device: The device, and the reason for it.
        network_precision: The arithmetic in which queries are encoded, and the reason for it.
        encoder: The network; all maps were built with it.
        localizers: The localizers, by the name of the map.
        shards: The shards that have the maps' features; None if these are here.
    """

    device: DeviceChoice
    network_precision: PrecisionChoice
    encoder: Encoder
    localizers: dict[str, Localizer]
    shards: ShardsInUse | None = None

    def close(self) -> None:
        """Close the maps and the connections."""
        for localizer in self.localizers.values():
            localizer.place_map.close()
        if self.shards is not None:
            self.shards.connections.close()


@dataclass(frozen=True)
class OpenedVersion:
    """Hold a version of a map that is checked and read, and not on the device yet.

    Attributes:
        place_map: The version.
        localizer: A function that brings it to the device; to be called on the thread that owns the device.
        wait: A function that waits until the shards with its features hold it; see ``RemoteShards.wait_until_held``.
        close: A function that closes it again.
    """

    place_map: PlaceMap
    localizer: Callable[[], Localizer]
    wait: Callable[[], None]
    close: Callable[[], None]


def open_version(
    path: Path,
    version: str,
    encoder: Encoder,
    *,
    matching_precision: MatchingPrecision = DEFAULT_PRECISION,
    shard: Shard | None = None,
    shards: ShardsInUse | None = None,
) -> OpenedVersion:
    """Open a version of a map for a network that is loaded, on any thread.

    Args:
        path: The directory of the map.
        version: The number of the version.
        encoder: The network.
        matching_precision: The precision of counting mutual matches.
        shard: The part of the map to open; None for all of it.
        shards: The shards with the map's features; None if these are here.

    Raises:
        VersionNotFound: The version does not exist.
        InvalidInput: It has too few segments for this many shards.
        MapError: It cannot be used, or not with this network.
    """
    place_map = PlaceMap.open(path, version, shard)
    try:
        return _read(place_map, encoder, matching_precision, shards)
    except BaseException:
        place_map.close()
        raise


def _read(
    place_map: PlaceMap,
    encoder: Encoder,
    matching_precision: MatchingPrecision,
    shards: ShardsInUse | None,
) -> OpenedVersion:
    """Run the part of ``open_version`` that does not touch the device."""
    place_map.check_network(encoder)
    if shards is not None:
        localizer = connect(shards.connections, encoder, place_map, shards.count)
        return OpenedVersion(place_map, lambda: localizer, localizer.shards.wait_until_held, localizer.close)
    place_searcher = read_searcher(place_map, encoder.device)
    return OpenedVersion(
        place_map,
        lambda: Localizer(encoder, place_map, place_searcher(), matching_precision),
        _wait_for_nobody,
        place_map.close,
    )


def _wait_for_nobody() -> None:
    """Return at once: all features are here."""


def load_maps(
    paths: Sequence[Path],
    *,
    weights: str | None = None,
    device: DeviceName = "auto",
    network_precision: RequestedPrecision = "auto",
    matching_precision: MatchingPrecision = DEFAULT_PRECISION,
    shard: Shard | None = None,
    shards: ShardsInUse | None = None,
) -> LoadedMaps:
    """Open maps with the network that built them.

    Call it on the thread that will use the device.

    Args:
        paths: The directories of the maps, at least one.
        weights: The network: a checkpoint file or a known name; by default the file that the first map was built with,
            if it is still there.
        device: The device of the network.
        network_precision: The arithmetic of the network; ``auto`` takes the precision of the maps if the device has it.
        matching_precision: The precision of counting mutual matches.
        shard: The part of each map to open; None for all of it.
        shards: The shards with the maps' features; None if these are here.

    Raises:
        DeviceUnavailable: The device does not exist, or does not have this arithmetic.
        InvalidInput: There is no map, or there are two of one name, or one has too few segments for this many shards.
        MapError: A map cannot be used, or not with this network.
        WeightsError: A checkpoint cannot be found or used.
    """
    choice = choose_device(device)
    maps = _open_all(paths, shard)
    try:
        arithmetic = choose_network_precision(
            network_precision, choice.device, [place_map.manifest.network.precision for place_map in maps.values()]
        )
        encoder = _load_encoder(next(iter(maps.values())), weights, choice, arithmetic.precision)
        localizers = {
            name: _read(place_map, encoder, matching_precision, shards).localizer() for name, place_map in maps.items()
        }
    except BaseException:
        for place_map in maps.values():
            place_map.close()
        raise
    return LoadedMaps(choice, arithmetic, encoder, localizers, shards)


def _open_all(paths: Sequence[Path], shard: Shard | None) -> dict[str, PlaceMap]:
    if not paths:
        raise InvalidInput("no map was given; name one with --map maps/NAME, or build one with placefix build")
    maps: dict[str, PlaceMap] = {}
    for path in paths:
        place_map = PlaceMap.open(path, shard=shard)
        if place_map.name in maps:
            raise InvalidInput(f"two maps are named {place_map.name}; requests could not tell them apart")
        maps[place_map.name] = place_map
    return maps


def _load_encoder(
    place_map: PlaceMap,
    weights: str | None,
    choice: DeviceChoice,
    precision: NetworkPrecision,
) -> Encoder:
    identity = place_map.manifest.network
    path = find_network_file(identity, place_map.name, weights)
    network = read_network(identity, path)
    encoder = Encoder(network, choice.device, place_map.manifest.preparation_for(network), precision)
    if weights in (None, AUTO) and encoder.fingerprint != identity.fingerprint:
        raise NetworkMismatch(
            f"{path} is not the network with which the map {place_map.name} was built (fingerprint "
            f"{encoder.fingerprint[:12]}…, the map's is {identity.fingerprint[:12]}…); name the right file with "
            "--weights, or build the map again"
        )
    place_map.check_network(encoder)
    return encoder
