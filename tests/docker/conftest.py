"""The containers as they are shipped, started once for all tests that leave them as they were."""

from collections.abc import Iterator

import pytest

from tests.docker.composed import Composed, composing


@pytest.fixture(scope="session")
def composed() -> Iterator[Composed]:
    with composing() as project:
        project.run("up", "--detach", "--build")
        project.wait_until_healthy("localizer")
        project.wait_until_healthy("prometheus")
        yield project
