"""The starter with its weights, loaded once; no test changes it."""

import pytest

from model.starter.network import Starter
from model.starter.package_weights import load_starter


@pytest.fixture(scope="session")
def starter() -> Starter:
    return load_starter()
