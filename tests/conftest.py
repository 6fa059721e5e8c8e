"""The parts that many tests share: a small network, pictures with positions, the shared data."""

import os
import signal
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from PIL import Image

from model.encoder import Encoder
from model.geo import LatLon
from model.selavpr.config import SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR
from tests.commands import RunCommand, run_command
from tests.examples import THOROUGH
from tests.logs import log_through_logging

TINY_CONFIG = SelaVPRConfig(
    embed_dim=64,
    depth=2,
    num_heads=4,
    mlp_dim=256,
    patch_size=28,  # a picture's 29 × 29 local features are matched 20 times as fast as 61 × 61
    adapter_dim=32,
    local_hidden_dim=32,
    local_dim=16,
)
TINY_CELLS = 29 * 29  # local features of a picture

# asserts in shared modules of tests show their values, too
pytest.register_assert_rewrite(
    "tests.waiting", *(f"tests.{folder.name}" for folder in Path(__file__).parent.iterdir() if folder.is_dir())
)

# No test depends on how busy the machine is, and every run tries the same examples: what fails fails again, anywhere.
# `pytest --hypothesis-profile=default` tries others.
hypothesis_settings.register_profile(
    "placefix",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.register_profile(THOROUGH, hypothesis_settings.get_profile("placefix"))
hypothesis_settings.load_profile("placefix")

MakePhoto = Callable[..., Path]


def pytest_configure() -> None:
    # a job in the background of a script ignores SIGINT, and so would the commands that tests interrupt
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Networks of tests are so small that threads would spend most of their time on waiting for each other; the
    # processes that tests start inherit the variable.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    log_through_logging()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu") is not None:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device, and torch sees none"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded, and how long the tests of each folder took; longest first."""
    if terminalreporter.config.option.collectonly:
        return
    reports = [
        report for each in terminalreporter.stats.values() for report in each if isinstance(report, pytest.TestReport)
    ]
    durations_s: defaultdict[str, float] = defaultdict(float)
    tests: defaultdict[str, set[str]] = defaultdict(set)
    for report in reports:
        folder = "/".join(Path(report.nodeid.split("::")[0]).parts[:2])
        durations_s[folder] += report.duration
        tests[folder].add(report.nodeid)
    if figures := {report.nodeid: report.user_properties for report in reports if report.user_properties}:
        terminalreporter.section("figures")
        for test, of_test in figures.items():
            terminalreporter.write_line(f"{test}: {', '.join(f'{name} {value}' for name, value in of_test)}")
    terminalreporter.section("time by folder")
    for folder, duration_s in sorted(durations_s.items(), key=lambda entry: -entry[1]):
        terminalreporter.write_line(f"{duration_s:7.1f} s  {len(tests[folder]):5d} tests  {folder}")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder of real photographs beside the repository; skip the test if it is missing."""
    default = Path(__file__).parents[2] / "shared"
    path = Path(os.environ.get("PLACEFIX_SHARED", default))
    if not path.is_dir():
        pytest.skip(f"needs real photographs, and {path} is not there; PLACEFIX_SHARED names their folder")
    return path


@pytest.fixture(scope="session")
def tiny_network() -> SelaVPR:
    """Return a small network of the real architecture; it encodes a picture in milliseconds, seeded and untrained."""
    return seeded_network(TINY_CONFIG, seed=7)


@pytest.fixture(scope="session")
def tiny_encoder() -> Encoder:
    return Encoder(seeded_network(TINY_CONFIG, seed=7))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Run ``placefix`` with arguments, in this process."""
    return partial(run_command, capsys, monkeypatch)


@pytest.fixture
def make_photo() -> MakePhoto:
    """Write JPEGs with structured content that depends on the seed, and a position in their EXIF if one is given."""
    return write_photo


def write_photo(
    path: Path,
    seed: int,
    position: LatLon | None = None,
    *,
    size: tuple[int, int] = (320, 240),
    orientation: int | None = None,
    heading_deg: float | None = None,
) -> Path:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, size=(6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    if position is not None:
        gps: dict[int, object] = {
            1: "N" if position.latitude >= 0 else "S",
            2: _degrees_minutes_seconds(abs(position.latitude)),
            3: "E" if position.longitude >= 0 else "W",
            4: _degrees_minutes_seconds(abs(position.longitude)),
        }
        if heading_deg is not None:
            gps[16], gps[17] = "T", heading_deg
        exif[0x8825] = gps
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "JPEG", quality=90, exif=exif)
    return path


def _degrees_minutes_seconds(angle_deg: float) -> tuple[float, float, float]:
    whole_minutes, seconds = divmod(round(angle_deg * 3600, 4), 60)
    whole_degrees, minutes = divmod(whole_minutes, 60)
    return whole_degrees, minutes, seconds
