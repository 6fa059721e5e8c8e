"""A client that openapi-python-client makes of the document: made without a warning, and asking a running server."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from service.key_file import append_key
from service.keys import Scope, make_key
from tests.service.conftest import Serve, Town

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
GENERATOR = shutil.which("openapi-python-client")
HOW_TO_HAVE_IT = "openapi-python-client is not installed; pipx install openapi-python-client puts it on the path"

# Uses the generated client as its reader would; prints the values that the test compares.
ASK = """
import io, json, sys
from pathlib import Path
from placefix_client import AuthenticatedClient
from placefix_client.api.localize import localize
from placefix_client.api.maps import get_map, get_thumbnail, list_maps
from placefix_client.models import LocalizationAnswer, LocalizeFilesBody, Problem
from placefix_client.types import File

url, key, photo = sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_bytes()
with AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True) as client:
    [found] = list_maps.sync(client=client).maps
    described = get_map.sync(name=found.name, client=client)
    whole = localize.sync(client=client, body=File(payload=io.BytesIO(photo)), candidates=2)
    assert isinstance(whole, LocalizationAnswer), whole
    form = LocalizeFilesBody(image=[File(payload=io.BytesIO(photo), file_name="a.jpg")], candidates=1)
    in_form = localize.sync(client=client, body=form, map_=found.name)
    assert isinstance(in_form, LocalizationAnswer), in_form
    problem = localize.sync(client=client, body=File(payload=io.BytesIO(b"none")))
    assert isinstance(problem, Problem), problem
    best = whole.candidates[0]
    thumbnail = get_thumbnail.sync(name=found.name, id=best.id, client=client)
    print(json.dumps({
        "map": [found.name, described.pictures],
        "whole": [whole.status, best.id, whole.position.latitude, len(whole.candidates)],
        "form": [in_form.candidates[0].id, len(in_form.candidates)],
        "problem": [problem.status, problem.code],
        "thumbnail": thumbnail.payload.read()[:3].hex(),
    }))
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the package of the client lies."""
    if GENERATOR is None:
        pytest.skip(HOW_TO_HAVE_IT)
    folder = tmp_path_factory.mktemp("generated")
    config = folder / "config.json"
    config.write_text(json.dumps({"post_hooks": []}))  # nothing that would have to be installed, too
    command = [GENERATOR, "generate", "--path", str(DOCUMENT), "--meta", "none", "--config", str(config)]
    command += ["--fail-on-warning", "--output-path", str(folder / "placefix_client")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arning" not in done.stdout + done.stderr
    return folder


def test_functions_are_called_after_what_they_do(generated: Path) -> None:
    api = generated / "placefix_client" / "api"
    functions = {path.stem for path in api.rglob("*.py")} - {"__init__"}
    assert functions == {
        "activate_version", "get_liveness", "get_map", "get_metrics", "get_readiness", "get_sample", "get_thumbnail",
        "get_tile", "list_maps", "list_places", "list_samples", "list_versions", "localize",
    }  # fmt: skip


def test_it_asks_a_running_server(generated: Path, town: Town, serve: Serve, tmp_path: Path) -> None:
    key, line = make_key("generated", [Scope.READ])
    append_key(tmp_path / "keys.txt", "generated", line)
    served = serve(town, keys=tmp_path / "keys.txt")
    python = Path(str(GENERATOR)).resolve().with_name("python")  # which has the libraries of the client: attrs, httpx
    command = [str(python), "-c", ASK, served.url, key, str(town.photos["100%.jpg"])]
    done = subprocess.run(command, cwd=generated, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["map"] == ["town", len(town.photos)]
    latitude = pytest.approx(town.positions["100%.jpg"].latitude, abs=1e-6)
    assert found["whole"] == ["uncalibrated", "100%.jpg", latitude, 2]
    assert found["form"] == ["100%.jpg", 1]
    assert found["problem"] == [415, "not_an_image"]
    assert found["thumbnail"] == "ffd8ff"
