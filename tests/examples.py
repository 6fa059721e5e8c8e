"""How many examples hypothesis draws where each of them takes long: few in ``make test``, many in ``make faults``."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import settings

Test = TypeVar("Test", bound=Callable[..., object])

THOROUGH = "thorough"
"""The profile of ``make faults``. With it, a test that draws many examples is one of the faults."""


def is_thorough() -> bool:
    return settings.get_current_profile_name() == THOROUGH


def examples(*, few: int, many: int) -> int:
    """Return the number for this run."""
    return many if is_thorough() else few


def drawn(*, few: int, many: int) -> Callable[[Test], Test]:
    """Decorate a test of hypothesis, above ``given``."""

    def decorate(test: Test) -> Test:
        return counted(settings(max_examples=examples(few=few, many=many))(test))

    return decorate


def counted(test: Test) -> Test:
    """Decorate a test that draws by :func:`examples`."""
    return pytest.mark.faults(test) if is_thorough() else test
