"""The check that queries are encoded like the pictures of a map."""

from model.encoder import Encoder
from place_map.errors import NetworkMismatch
from place_map.manifest import Manifest


def check_network(name: str, manifest: Manifest, encoder: Encoder) -> None:
    """See ``PlaceMap.check_network``.

    Args:
        name: The name of the map, for messages.
        manifest: The manifest of its version.
        encoder: The encoder of the queries.

    Raises:
        NetworkMismatch: The network or the way of resizing is another.
    """
    network = manifest.network
    if encoder.fingerprint != network.fingerprint:
        raise NetworkMismatch(
            f"map {name} was made with network {network.fingerprint[:12]}…, these weights are "
            f"{encoder.fingerprint[:12]}…: give the weights it was made with"
            + (f" ({network.weights_path} when it was built)" if network.weights_path else "")
            + ", or build the map again with these"
        )
    own, others = manifest.preparation, encoder.preparation
    if own.preprocessing.antialiases != others.preprocessing.antialiases:
        raise NetworkMismatch(
            f"map {name} was made with --preprocess {own.preprocessing}, not {others.preprocessing}: use the "
            "same, or build the map again"
        )
    if not own.gives_the_pixels_of(others):
        raise NetworkMismatch(
            f"map {name} was made with --input-size {own.height}x{own.width}, not "
            f"{others.height}x{others.width}: use the same, or build the map again"
        )
