"""The kept adaptations of other seeds are those that were measured."""

import json
from pathlib import Path

import pytest

from benchmarks.ablations.seeds import KEPT, network_of_seed
from model.errors import InvalidInput
from model.fingerprint import fingerprint

RESULTS = Path("benchmarks/results")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_is_the_network_whose_floors_were_measured(seed: int) -> None:
    network = network_of_seed(seed)
    measured = json.loads((RESULTS / f"floor_seed{seed}.json").read_text("utf-8"))["weights"]
    assert fingerprint(network) == measured
    assert network.is_trained


def test_a_seed_that_was_not_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"of these seeds are kept: 1, 2"):
        network_of_seed(7)
    with pytest.raises(InvalidInput, match=r"kept: none"):
        network_of_seed(1, tmp_path)
    assert KEPT.is_dir()
