"""Settings in a file of variables reach the server in its container."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.docker.composed import PATIENCE_S, PICTURE, check_found, composing

pytestmark = pytest.mark.docker

HOST = "127.0.0.2"


def test_settings_of_the_file_count_and_the_address_is_that_of_the_host(tmp_path: Path) -> None:
    variables = {"PLACEFIX_CANDIDATES": "3", "PLACEFIX_SHORTLIST": "4", "PLACEFIX_MAX_IMAGES": "1"}
    variables |= {"PLACEFIX_HOST": HOST}
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    with composing(env_file=tmp_path / "env") as composed:
        project = replace(composed, service=composed.service.replace("127.0.0.1", HOST))
        project.run("up", "--detach", "--build", "localizer")
        project.wait_until_healthy("localizer")
        assert len(check_found(project.localize())["candidates"]) == 3
        two = [("image", PICTURE.read_bytes())] * 2
        refused = httpx.post(f"{project.service}/localize", files=two, timeout=PATIENCE_S, trust_env=False)
        assert (refused.status_code, refused.json()["code"]) == (422, "several_images")
