"""Find and load the network with which a map was built."""

from pathlib import Path

from model.network import Network
from model.weights import load_network
from model.weights_cache import AUTO, STARTER, resolve_weights
from model.weights_errors import WeightsError
from place_map.manifest import NetworkIdentity


def find_network_file(identity: NetworkIdentity, map_name: str, weights: str | None) -> Path:
    """Return the file from which to load a map's network.

    Args:
        identity: The identity of the network, from the manifest.
        map_name: The name of the map, for messages.
        weights: The file or name that the user gave. None and ``auto`` stand for the file with which the map was built;
            other networks on this machine never replace it.

    Raises:
        WeightsError: The file does not exist.
    """
    if weights not in (None, AUTO):
        return resolve_weights(weights)
    wanted = f"name the file with --weights (fingerprint {identity.fingerprint[:12]}…)"
    if identity.weights_path is None:
        raise WeightsError(f"the map {map_name} does not say which checkpoint it was built with; {wanted}")
    path = Path(identity.weights_path)
    if path.is_file():
        return path
    if identity.family == STARTER:
        return resolve_weights(STARTER)  # at the place of Python's packages on this machine
    raise WeightsError(f"the map {map_name} was built with {path}, which is not there; {wanted}")


def read_network(identity: NetworkIdentity, path: Path) -> Network:
    """Load the network of a map from a file, which need not state the number of attention heads: the map does.

    Raises:
        WeightsError: See ``model.weights.load_network``.
    """
    return load_network(path, identity.config.get("num_heads"))
