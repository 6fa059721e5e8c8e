"""Whether pictures are encoded as those of a map were."""

from model.encoder import Encoder
from place_map.errors import NetworkMismatch
from place_map.reader import PlaceMap


def check_encoder(place_map: PlaceMap, encoder: Encoder) -> None:
    """Makes sure that what is added to a map is made like the rest.

    Raises:
        NetworkMismatch: Another network, preprocessing or precision.
    """
    place_map.check_network(encoder)
    preprocessing = place_map.manifest.preprocessing
    if encoder.preprocessing is not preprocessing:
        raise NetworkMismatch(
            f"map {place_map.name} was made with --preprocess {preprocessing}, not {encoder.preprocessing}, and a map "
            f"has one: use the same, or build the map again"
        )
    precision = place_map.manifest.network.precision
    if encoder.precision != precision:
        raise NetworkMismatch(
            f"map {place_map.name} was encoded in {precision}, and a map has one precision: encode in it "
            f"(--network-precision {precision}), or build the map again in {encoder.precision}"
        )
