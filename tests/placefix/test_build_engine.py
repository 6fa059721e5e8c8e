"""``--engine`` of build, add and update: what is refused before anything is read, and that nothing else needs Ray."""

import sys
from pathlib import Path

import pytest

from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from place_map.versions import read_manifest
from tests.commands import RunCommand
from tests.conftest import TINY_CONFIG
from tests.index_builder.map_factory import photo_listing


@pytest.fixture(autouse=True)
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an import of Ray fail, whether it is installed or not."""
    monkeypatch.setitem(sys.modules, "ray", None)


COMMANDS = (("build", "--out"), ("add",), ("update",))


@pytest.mark.parametrize("words", COMMANDS)
def test_without_ray_the_engine_names_the_extra(command: RunCommand, tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = command(*words, tmp_path / "town", "--source", tmp_path, "--engine", "ray")
    assert ran.returncode == 1
    assert "pip install 'placefix[cluster]'" in " ".join(ran.stderr.split())
    assert not (tmp_path / "town").exists()


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("option", ["--workers", "--worker-threads", "--worker-gpus"])
def test_options_of_workers_are_refused_without_workers(
    command: RunCommand, tmp_path: Path, option: str, words: tuple[str, ...]
) -> None:
    ran = command(*words, tmp_path / "town", "--source", tmp_path, option, "1")
    assert ran.returncode == 1
    assert f"{option} is an option of --engine ray, and the engine is local" in " ".join(ran.stderr.split())


def test_a_build_in_one_process_needs_no_ray(command: RunCommand, tmp_path: Path) -> None:
    listing = photo_listing(tmp_path / "photos", 2)
    lines = [f"{place.path.name},{place.position.latitude},{place.position.longitude}" for place in listing.places]
    source = tmp_path / "photos" / "photos.csv"
    source.write_text("\n".join(["path,latitude,longitude", *lines]) + "\n")
    save_network(seeded_network(TINY_CONFIG, seed=7), tmp_path / "weights.safetensors")
    flags = ("--weights", tmp_path / "weights.safetensors", "--no-calibrate", "--engine", "local")
    ran = command("build", "--source", source, "--out", tmp_path / "town", *flags)
    assert ran.returncode == 0, ran.stderr
    assert read_manifest(tmp_path / "town").counts.placed == 2
