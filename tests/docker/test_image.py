"""The content of the image, seen from inside it."""

import pytest

from tests.docker.composed import Composed, composing
from tests.packaging.test_wheel import PACKAGES

pytestmark = pytest.mark.docker

LOOK = f"""
from importlib import import_module, metadata, resources
for name in {PACKAGES}:
    print(name, import_module(name).__file__)
for package, path in (("service", "web/page/index.html"), ("placefix.evaluation", "published.toml")):
    assert resources.files(package).joinpath(path).is_file(), path
print(metadata.metadata("placefix")["License-Expression"])
"""

READ_HEIC = """
from io import BytesIO
import pillow_heif
from PIL import Image
from model.images import open_image
pillow_heif.register_heif_opener()
content = BytesIO()
Image.new("RGB", (640, 480), "white").save(content, "HEIF")
print("read", open_image(content.getvalue()).size)
"""


def in_image(project: Composed, *command: str) -> str:
    """Run a command in a container of the image; return its output."""
    return project.run("run", "--rm", "--no-deps", "--entrypoint", command[0], "placefix", *command[1:])


def test_image_holds_all_packages_with_their_files() -> None:
    with composing() as project:
        project.run("build", "placefix")
        printed = in_image(project, "python", "-c", LOOK)
        for package in PACKAGES:
            assert f"{package} /opt/placefix/lib/python3.11/site-packages/{package}/__init__.py" in printed
        assert "Apache-2.0" in printed
        for command in (("placefix", "--help"), ("python", "-m", "placefix", "evaluate", "--help")):
            assert "Usage:" in in_image(project, *command)


def test_an_image_with_that_extra_reads_heic() -> None:
    with composing() as project:
        project.environment.update(EXTRA="cpu,heif", PLACEFIX_IMAGE="placefix:cpu-heif")
        project.run("build", "placefix")
        assert "read (640, 480)" in in_image(project, "python", "-c", READ_HEIC)
