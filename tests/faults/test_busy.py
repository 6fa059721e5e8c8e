"""One process at a time changes a map; the lock dies with its owner, however that dies."""

import time
from pathlib import Path
from signal import SIGSTOP

import pytest

from index_builder.changes.prune import abandon_change
from model.encoder import Encoder
from place_map.errors import MapBusy
from tests.faults.children import PATIENCE_S, Child
from tests.faults.map_state import MapState, check_good_and_alone, read_served
from tests.faults.operations import MAP, OPERATIONS, fresh_copy, perform, prepared, small_encoder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return small_encoder()


def wait_until_stopped(child: Child) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{child.process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["build", "add", "compact"])
def test_a_second_process_is_told(name: str, tmp_path: Path, encoder: Encoder) -> None:
    folder = prepared(name, tmp_path / "scenario", encoder)
    undisturbed = fresh_copy(folder, folder / "undisturbed")
    perform(name, folder, undisturbed, encoder)
    map_dir = fresh_copy(folder, tmp_path / "trial")
    child = Child(name, folder, map_dir, stop_before=20, signal_number=SIGSTOP)
    try:
        wait_until_stopped(child)
        for other in [name] if name == "build" else OPERATIONS:
            scenario = folder if other == name else prepared(other, tmp_path / f"for {other}", encoder)
            with pytest.raises(MapBusy) as told:
                perform(other, scenario, map_dir, encoder)
            assert f"another process (number {child.process_id})" in told.value.message
        if name != "build":
            with pytest.raises(MapBusy):
                abandon_change(map_dir)
        assert read_served(map_dir) == read_served(folder / "before" / MAP)
    finally:
        child.kill()
    assert child.ended().finished is None
    perform(name, folder, map_dir, encoder)
    assert MapState.of(map_dir) == MapState.of(undisturbed)
    check_good_and_alone(map_dir)
