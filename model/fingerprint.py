"""The fingerprint of a network: two networks with the same one give the same features."""

import hashlib
import json

from model.network import Network


def fingerprint(network: Network) -> str:
    """SHA-256 over the configuration and over every tensor's name, shape, dtype and bytes, as 64 hex digits.

    Tensors are taken in the order of their names, so the file that they came from does not matter.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps(network.config.to_dict(), sort_keys=True).encode())
    for name, tensor in sorted(network.state_dict().items()):
        array = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {tuple(array.shape)} {array.dtype.str}\n".encode())
        digest.update(memoryview(array).cast("B"))
    return digest.hexdigest()
