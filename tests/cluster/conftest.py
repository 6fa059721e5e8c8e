"""All tests of this folder carry the marker ``cluster``; without Ray they are skipped."""

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ray_is_missing = importlib.util.find_spec("ray") is None
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.cluster)
            if ray_is_missing:
                item.add_marker(pytest.mark.skip(reason="Ray is not installed: make cluster"))
