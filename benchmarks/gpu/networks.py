"""The networks of the run, by name."""

from benchmarks.encoding.networks import network_of
from benchmarks.load.minimal_map import MINIMAL
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR


def network_named(name: str) -> SelaVPR:
    """Return a network in eval mode: ``minimal``, or one that ``benchmarks.encoding`` knows.

    Raises:
        InvalidInput: There is no network of that name.
    """
    return (seeded_network(MINIMAL, seed=1) if name == "minimal" else network_of(name)).eval()
