"""Open the network that a command is told to use, where no map says which."""

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
    """A network on its device.

    Attributes:
        encoder: The network.
        told: A sentence on the network that ``auto`` chose, for people; None if one was asked for.
        weights_path: Its file.
        device: Where, and why there.
        precision: In which arithmetic, and why.
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
        num_heads: Attention heads, where the file does not say.
        device: Where it is to live.
        precision: Of its products.
        preprocessing: How its pictures are decoded and resized.
        input_size: Height and width of what it sees in pixels; by default those that it was trained with.

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
