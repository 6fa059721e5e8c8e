"""The clock of a query."""

import pytest

from service.stages import Stage, StageClock


def test_blocks_of_one_stage_add_up_and_others_are_absent() -> None:
    clock = StageClock()
    clock.add(Stage.GATHER, 0.5)
    clock.add(Stage.GATHER, 0.25)
    with clock.measure(Stage.RERANK):
        pass
    assert clock.seconds[Stage.GATHER] == 0.75
    assert clock.seconds[Stage.RERANK] >= 0
    assert set(clock.seconds) == {Stage.GATHER, Stage.RERANK}


def test_a_stage_that_fails_is_measured_all_the_same() -> None:
    clock = StageClock()
    with pytest.raises(ValueError, match="broken"), clock.measure(Stage.DECODE):
        raise ValueError("broken")
    assert Stage.DECODE in clock.seconds


def test_what_was_read_does_not_change_afterwards() -> None:
    clock = StageClock()
    clock.add(Stage.QUEUE, 1.0)
    seconds = clock.seconds
    clock.add(Stage.QUEUE, 1.0)
    assert seconds[Stage.QUEUE] == 1.0
