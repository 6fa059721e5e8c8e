"""The method needs only torch, numpy and pillow among Placefix's dependencies, which running it shows."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement

from tests.conftest import MakePhoto

REPOSITORY = Path(__file__).parents[2]
ENOUGH = {"torch", "numpy", "pillow"}

PROGRAM = """
import importlib.abc, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in FORBIDDEN:
            raise ModuleNotFoundError(f"{name} must not be needed", name=name)

FORBIDDEN = set(sys.argv[2:])
NEED_MORE = {"model.downloads", "model.google_drive", "model.http_answers", "model.gpu_kernels",
             "model.weights_fetch", "model.weights_import"}
sys.meta_path.insert(0, Refuse())

import pathlib, pkgutil, torch
import model, model.selavpr, model.training
from model.encoder import Encoder
from model.images import open_image
from model.selavpr.config import SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from model.preprocess import preprocess
from model.retrieval import retrieve
from model.weights import load_network

for package in (model, model.selavpr, model.training):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module.name not in NEED_MORE:
            importlib.import_module(module.name)

network = seeded_network(SelaVPRConfig(64, 1, 1, 64, adapter_dim=8, local_hidden_dim=8, local_dim=8))
checkpoint = pathlib.Path(sys.argv[1]) / "backbone.pth"
names = {name.removeprefix("backbone."): tensor for name, tensor in network.state_dict().items()
         if name.startswith("backbone.") and "adapter" not in name}
torch.save(names, checkpoint)
encoder = Encoder(load_network(checkpoint))
image = preprocess(open_image(pathlib.Path(sys.argv[1]) / "photo.jpg"))
features = encoder.encode(torch.stack((image, image.flip(2))))
print(retrieve(features[:1], features, shortlist=2).rows.tolist())
"""


def test_a_query_is_found_with_torch_numpy_and_pillow_alone(tmp_path: Path, make_photo: MakePhoto) -> None:
    make_photo(tmp_path / "photo.jpg", seed=0)
    requirements = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {Requirement(requirement).name.lower() for requirement in requirements}
    modules = {
        module
        for module, distributions in packages_distributions().items()
        if {distribution.lower() for distribution in distributions} & (names - ENOUGH)
    }
    assert {"safetensors", "pyarrow", "fastapi", "httpx", "rich", "pydantic"} <= modules
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), *sorted(modules), "faiss"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "[0, 1]\n"
