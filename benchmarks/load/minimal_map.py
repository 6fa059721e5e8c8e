"""A map of a very small network, so that requests measure the server and not the arithmetic."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.encoding.networks import DEMO
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.selavpr.config import SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from model.weights import load_network, save_network

PICTURES = 20
MINIMAL = SelaVPRConfig(
    embed_dim=64, depth=2, num_heads=4, mlp_dim=256, adapter_dim=32, local_hidden_dim=32, local_dim=16
)


@dataclass(frozen=True)
class LoadMap:
    """Describe the map that is served under load.

    Attributes:
        path: The map.
        pictures: Id → bytes of the file; each picture is its own nearest one.
        shortlist: The number of re-ranked candidates of a query.
    """

    path: Path
    pictures: dict[str, bytes]
    shortlist: int

    def settings(self, **others: object) -> dict[str, str]:
        """Return the settings of a server under load: every stage runs, also with an untrained network."""
        chosen = {"rerank": "always", "shortlist": self.shortlist, "candidates": min(2, self.shortlist), **others}
        return {name: str(value) for name, value in chosen.items()}


def make_load_map(folder: Path, network: str, size: tuple[int, int] | None = None) -> LoadMap:
    """Build a map of 20 pictures of the demo.

    Args:
        folder: The folder of weights and map.
        network: ``minimal``, or ``demo`` for the shipped weights.
        size: Height and width of its input; by default the sizes of its training.
    """
    weights = DEMO / "weights.safetensors"
    if network == "minimal":
        weights = folder / "minimal.safetensors"
        save_network(seeded_network(MINIMAL, seed=1), weights)
    whole = read_source(DEMO / "pictures" / "database")
    step = len(whole.places) // PICTURES
    places = whole.places[: step * PICTURES : step]
    listing = SourceListing(places, (), whole.kind, whole.root)
    loaded = load_network(weights)
    encoder = Encoder(loaded, preparation=loaded.preparation(size=size))
    path = folder / "maps" / network
    build_map(listing, encoder, path, BuildOptions(), weights_path=weights)
    pictures = {place.id: place.path.read_bytes() for place in places}
    return LoadMap(path, pictures, shortlist=2 if network == "minimal" else PICTURES)


@contextmanager
def load_map_for(network: str, size: tuple[int, int] | None = None) -> Iterator[LoadMap]:
    """Yield the map of ``make_load_map`` in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield make_load_map(Path(folder), network, size)
