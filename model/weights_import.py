"""The import of a weights file into the cache: loaded once to check it, and kept in Placefix's format."""

from dataclasses import dataclass
from pathlib import Path

import torch

from model.descriptors.patches import PatchNetwork
from model.durable import sha256_of
from model.errors import InvalidInput
from model.families import family_named
from model.fingerprint import fingerprint
from model.keypoints.network import KeypointConfig, KeypointNetwork, KeypointSizes
from model.network import Network
from model.published_weights import PUBLISHED
from model.weight_files.file_kinds import recognise
from model.weights import load_keypoint_parts, load_network, save_network
from model.weights_cache import IMPORTED_SUFFIX, WeightsCache, normalised_sha256
from model.weights_errors import WeightsError


@dataclass(frozen=True)
class ImportedWeights:
    """Describe a network in the cache.

    Attributes:
        name: The name in the cache.
        path: The file.
        fingerprint: The fingerprint of the network, 64 hex digits.
        network: The network, on the CPU.
        is_new: Whether it was written now; otherwise the cache already had the network under this name.
    """

    name: str
    path: Path
    fingerprint: str
    network: Network
    is_new: bool


@dataclass(frozen=True)
class KeypointFiles:
    """Name the other files of a network with keypoints, beside that of SuperGlue.

    Attributes:
        finder: The weights of a network that finds pictures by a global feature.
        superpoint: The file of SuperPoint; None if the file of SuperGlue holds it, too.
    """

    finder: Path
    superpoint: Path | None = None

    def load(self, file: Path, num_heads: int | None = None) -> KeypointNetwork:
        """Load the network with a file of SuperGlue, on the CPU.

        Args:
            file: The file of SuperGlue.
            num_heads: See ``load_network``, for the network that finds pictures.

        Raises:
            WeightsError: A file cannot be loaded, or is of another network than it should be.
            InvalidInput: The network that finds pictures has keypoints itself.
        """
        parts = load_keypoint_parts(file, *(() if self.superpoint is None else (self.superpoint,)))
        finder = load_network(self.finder, num_heads)
        sizes = KeypointSizes(layers=len(parts.matcher.layers))
        network = KeypointNetwork(KeypointConfig(finder.family, finder.config.to_dict(), sizes), finder)
        network.parts = parts
        return network.eval()


def import_weights(
    file: Path,
    cache: WeightsCache,
    *,
    name: str | None = None,
    sha256: str | None = None,
    num_heads: int | None = None,
    replace: bool = False,
    patches: bool = False,
    keypoints: KeypointFiles | None = None,
) -> ImportedWeights:
    """Load a weights file and keep its network in the cache.

    Args:
        file: A file of any layout that ``load_network`` reads.
        cache: The cache.
        name: The name in the cache; by default the file's name without its suffix, and for SelaVPR's published files
            their names in ``published_weights``.
        sha256: The checksum that the file must have, 64 hex digits.
        num_heads: See ``load_network``.
        replace: Whether another network of that name may be replaced.
        patches: Whether the network is to have DINOv2's patches as local features.
        keypoints: The other files of a network with keypoints, if ``file`` is one of SuperGlue.

    Raises:
        WeightsError: The file cannot be loaded or has another checksum, or the name belongs to another network.
        InvalidInput: The network has no patches, or the name cannot be a file name.
    """
    name = name or _default_name(file)
    path = cache.path_of(name, IMPORTED_SUFFIX)
    occupant = cache.find(name)
    published = PUBLISHED.get(name)
    is_not_for_people = published is not None and published.by_hand is None
    if is_not_for_people or cache.record_of(path) is not None or occupant not in (None, path):
        raise WeightsError(f"{name} is the name of other weights; choose another with --name")
    if sha256 is not None:
        _check_sum(file, normalised_sha256(sha256))
    network = load_network(file, num_heads) if keypoints is None else keypoints.load(file, num_heads)
    network = _with_patches(network) if patches else network
    own_fingerprint = fingerprint(network)
    is_new = occupant is None or not _holds(occupant, own_fingerprint, replace=replace)
    if is_new:
        save_network(network, path)
    return ImportedWeights(name, path, own_fingerprint, network, is_new)


def _default_name(file: Path) -> str:
    published = file.stem.lower()
    return published if published in PUBLISHED else file.stem


def _with_patches(network: Network) -> Network:
    """Return the same network with DINOv2's patches as local features."""
    if not isinstance(network, PatchNetwork):
        raise InvalidInput(
            f"a network of the family {network.family} has no local features to add: leave --local-features out"
        )
    config = network.config.to_dict() | {"local_features": "patches"}
    with torch.device("meta"):
        changed = family_named(network.family).make(config, is_trained=network.is_trained)
    changed.load_state_dict(network.state_dict(), strict=True, assign=True)
    return changed.eval()


def _check_sum(file: Path, wanted: str) -> None:
    recognise(file)  # its error for a missing file is better than that of a failing open
    actual = sha256_of(file)
    if actual != wanted:
        raise WeightsError(f"{file} is another file than expected: its SHA-256 is {actual}, not {wanted}")


def _holds(occupant: Path, wanted_fingerprint: str, *, replace: bool) -> bool:
    """Return whether a file in the cache is that network; refuse another one unless it may be replaced."""
    try:
        present = fingerprint(load_network(occupant))
    except WeightsError as error:
        if replace:
            return False
        raise WeightsError(f"{error}. To replace it, import with --replace") from error
    if present != wanted_fingerprint and not replace:
        raise WeightsError(
            f"{occupant.stem} in the cache is another network (fingerprint {present}, this one has "
            f"{wanted_fingerprint}); choose another name with --name, or replace it with --replace"
        )
    return present == wanted_fingerprint
