"""Make the state that test_upgrade.py reads, with the code of the commit that README.md names.

In a checkout of that commit, with this file in its place: ``python -m tests.upgrade.make_state /srv/placefix``.
"""

import subprocess
import sys
from pathlib import Path

from model.geo import LatLon
from model.selavpr.config import SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from service.settings import ServiceSettings
from tests.conftest import write_photo

NETWORK = SelaVPRConfig(
    embed_dim=16,
    depth=1,
    num_heads=1,
    mlp_dim=16,
    adapter_dim=4,
    local_hidden_dim=4,
    local_dim=4,
    position_side=8,
)
SETTINGS = {
    "maps": ["maps/town"],
    "keys": "keys.txt",
    "weights": "network.safetensors",
    "num_heads": 1,
    "device": "cpu",
    "encoding": "float32",
    "precision": "exact",
    "shortlist": 3,
    "candidates": 2,
    "rerank": True,
    "decode_threads": 2,
}
CAMERA_HAS_NO_GPS, HALF = "town/no position.jpg", "town/half.jpg"


def make_state(folder: Path) -> None:
    """Write pictures, network, map, settings and keys into a new folder."""
    network = seeded_network(NETWORK, seed=11)
    network.is_trained = True
    save_network(network, folder / "network.safetensors", dtype="float16")
    for number in range(4):
        _write_picture(folder / "photos" / "town" / f"{number}.jpg", number)
    _write_picture(folder / "photos" / "later" / "4.jpg", 4)
    write_photo(folder / "photos" / CAMERA_HAS_NO_GPS, 5, size=(64, 48))
    half = _write_picture(folder / "photos" / HALF, 6)
    half.write_bytes(half.read_bytes()[:600])
    town, network_file = folder / "maps" / "town", folder / "network.safetensors"
    source = ("--source", folder / "photos" / "town", "--max-rejected", 0.5)
    options = ("--weights", network_file, "--encoding", "float32", "--segment-size", 3)
    _placefix("build", *source, "--out", town, *options, exit_code=3)
    _placefix("add", town, "--source", folder / "photos" / "later")
    _placefix("remove", town, "--id", "1.jpg")
    for name, scope in (("page", "read"), ("operator", "admin")):
        key = _placefix("keys", "create", "--file", folder / "keys.txt", "--name", name, "--scope", scope)
        (folder / f"key_{name}.txt").write_text(key)
    _write_settings(folder / "settings.toml")


def _write_picture(path: Path, number: int) -> Path:
    return write_photo(path, number, LatLon(55.7 + number / 1000, 13.2), size=(64, 48), heading_deg=10.0 * number)


def _write_settings(path: Path) -> None:
    """Name every setting that there was, those that are not chosen above with their defaults."""
    defaults = {name: field.get_default() for name, field in ServiceSettings.model_fields.items()}
    lines = []
    for name, value in (defaults | SETTINGS).items():
        if value is None:
            continue
        shown = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
        lines.append(f"{name} = {shown}\n")
    path.write_text("".join(lines))


def _placefix(*arguments: object, exit_code: int = 0) -> str:
    command = [sys.executable, "-m", "placefix", *map(str, arguments)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert result.returncode == exit_code, result
    return result.stdout


if __name__ == "__main__":
    make_state(Path(sys.argv[1]))
