"""Find the weights of the network that a map was built with."""

from pathlib import Path

from model.weights_cache import AUTO, STARTER, resolve_weights
from model.weights_errors import WeightsError
from place_map.manifest import NetworkIdentity


def find_network_file(identity: NetworkIdentity, map_name: str, weights: str | None) -> Path:
    """Return the file to load a map's network from.

    Args:
        identity: Of the network, from the manifest.
        map_name: For messages.
        weights: What a person gave: a file or a name. None and ``auto`` stand for the file that the map was built
            with: the networks that are here never change the one that a map is asked with.

    Raises:
        WeightsError: There is no such file.
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
        return resolve_weights(STARTER)  # wherever Python's packages lie on this machine
    raise WeightsError(f"the map {map_name} was built with {path}, which is not there; {wanted}")
