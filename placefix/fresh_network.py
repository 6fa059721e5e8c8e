"""The opening of a network for a command without a map."""

from dataclasses import dataclass
from pathlib import Path

from model.device import DeviceChoice, DeviceName, choose_device
from model.encoder import Encoder
from model.network_precision import PrecisionChoice, RequestedPrecision, choose_network_precision
from model.preprocess import Preprocessing
from model.weights import load_network, resolve_weights
from model.weights_cache import AUTO, WeightsCache, choose_name


@dataclass(frozen=True)
class FreshNetwork:
    """Hold a network on its device.

    Attributes:
        encoder: The network.
        told: A sentence for people about the choice of ``auto``; None if a network was named.
        weights_path: The weights file of the network.
        device: The device, and the reason for it.
        precision: The precision, and the reason for it.
    """

    encoder: Encoder
    told: str | None
    weights_path: Path
    device: DeviceChoice
    precision: PrecisionChoice


def open_network(
    weights: str,
    *,
    num_heads: int | None = None,
    device: DeviceName = "auto",
    precision: RequestedPrecision = "auto",
    preprocessing: Preprocessing = Preprocessing.ANTIALIAS,
    input_size: tuple[int, int] | None = None,
) -> FreshNetwork:
    """Load a network and bring it to a device.

    Args:
        weights: A file, or a name that ``resolve_weights`` knows.
        num_heads: Number of attention heads, if the file does not state it.
        device: The device for the network.
        precision: Precision of its products.
        preprocessing: The way of decoding and resizing pictures.
        input_size: Height and width of its input in pixels; by default the sizes of its training.

    Raises:
        PlacefixError: The weights or the device cannot be used, or the network takes no pictures of that size.
    """
    chosen = choose_device(device)
    told = None
    if weights == AUTO:
        choice = choose_name(WeightsCache())
        weights, told = choice.name, f"network: {choice.name} (auto: {choice.reason})"
    weights_path = resolve_weights(weights)
    network = load_network(weights_path, num_heads)
    arithmetic = choose_network_precision(precision, chosen.device, of_network=network.precisions)
    preparation = network.preparation(preprocessing, input_size)
    encoder = Encoder(network, chosen.device, preparation, arithmetic.precision)
    return FreshNetwork(encoder, told, weights_path, chosen, arithmetic)
