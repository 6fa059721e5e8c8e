"""The fingerprint of a network; networks with equal fingerprints give equal features."""

import hashlib
import json

from model.network import Network


def fingerprint(network: Network) -> str:
    """Return the SHA-256 of the configuration and of every tensor's name, shape, dtype and bytes, as 64 hex digits.

    Tensors are sorted by name, so their order in a file does not matter.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps(network.config.to_dict(), sort_keys=True).encode())
    for name, tensor in sorted(network.state_dict().items()):
        array = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {tuple(array.shape)} {array.dtype.str}\n".encode())
        digest.update(memoryview(array).cast("B"))
    return digest.hexdigest()
