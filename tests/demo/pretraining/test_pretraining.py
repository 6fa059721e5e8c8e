"""Pre-training of the demo's backbone: the sparse network is the network, batches are right, and a run resumes."""

import csv
from dataclasses import replace
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from demo.pretraining.batches import Sampler
from demo.pretraining.config import PretrainingConfig
from demo.pretraining.frames import PATCHES, Frames, cut_into_patches, read_frames
from demo.pretraining.loss import place_loss
from demo.pretraining.run import CHECKPOINT_NAME, Pretraining
from demo.pretraining.shape import BACKBONE_CONFIG
from demo.pretraining.sparse_network import sparse_features
from model.errors import InvalidInput
from model.preprocess import preprocess
from model.progress import SilentProgress
from model.selavpr.initialisation import seeded_network
from model.training.errors import CheckpointError

CPU = torch.device("cpu")
SMALL = PretrainingConfig(
    steps=4, streets=2, places=2, views=2, kept_patches=8, late_patches=16, warmup=1, checkpoint_every=1
)


def write_table(folder: Path, streets: int = 3, cells: int = 3, views: int = 2) -> Path:
    """Write noise pictures of some places, and their table."""
    rows = []
    random = np.random.default_rng(0)
    for street in range(streets):
        for cell in range(cells):
            for direction in range(2):
                for view in range(views):
                    name = f"{street}-{cell}-{direction}-{view}.png"
                    Image.fromarray(random.integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(folder / name)
                    rows.append((name, street, cell * 8.0, direction * 180 + view, f"{street}-{cell}-{direction}"))
    with (folder / "database.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "street", "along_m", "heading", "place"))
        writer.writerows(rows)
    return folder / "database.csv"


@pytest.fixture
def frames(tmp_path: Path) -> Frames:
    return read_frames(write_table(tmp_path), tmp_path / "cache", SilentProgress())


def test_frames_are_the_pictures_in_patches(tmp_path: Path) -> None:
    table = write_table(tmp_path)
    frames = read_frames(table, tmp_path / "cache", SilentProgress())
    assert frames.patches.shape == (36, PATCHES, 588)
    with Image.open(tmp_path / "1-2-1-0.png") as image:
        assert np.array_equal(frames.patches[3 * 4 + 6 + 4], cut_into_patches(image))
    (tmp_path / "1-2-1-0.png").unlink()
    again = read_frames(table, tmp_path / "cache", SilentProgress())  # from the file: the picture is gone
    assert np.array_equal(again.patches, frames.patches)


def test_a_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("path,latitude\n", "utf-8")
    with pytest.raises(InvalidInput, match="no column path"):
        read_frames(tmp_path / "other.csv", tmp_path, SilentProgress())
    with pytest.raises(InvalidInput, match="render it first"):
        read_frames(tmp_path / "nothing.csv", tmp_path, SilentProgress())


def test_with_all_patches_it_is_the_network_itself() -> None:
    random = np.random.default_rng(1)
    images = [Image.fromarray(random.integers(0, 255, (224, 224, 3), dtype=np.uint8)) for _ in range(2)]
    network = seeded_network(BACKBONE_CONFIG, seed=3)
    with torch.no_grad():
        expected = network(torch.stack([preprocess(image) for image in images])).global_features
        patches = torch.from_numpy(np.stack([cut_into_patches(image) for image in images]))
        kept = torch.arange(PATCHES).expand(2, -1)
        actual = sparse_features(network, patches, kept, torch.ones(2, 3), torch.zeros(2, 3))
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=0)


def test_batches_depend_on_seed_and_step_alone(frames: Frames) -> None:
    one, same = Sampler(frames, SMALL).batch(3), Sampler(frames, SMALL).batch(3)
    for name in ("rows", "kept", "gain", "offset", "is_same", "is_other"):
        assert np.array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.rows, Sampler(frames, SMALL).batch(2).rows)
    assert not np.array_equal(one.kept, Sampler(frames, replace(SMALL, seed=1)).batch(3).kept)
    assert one.kept.shape == (8, 16)  # the last step of four is the last tenth
    assert Sampler(frames, SMALL).batch(2).kept.shape == (8, 8)
    assert all(len(set(row)) == len(row) for row in one.kept.tolist())


def test_what_is_the_same_place(frames: Frames) -> None:
    batch = Sampler(frames, SMALL).batch(0)
    for i, a in enumerate(batch.rows.tolist()):
        for j, b in enumerate(batch.rows.tolist()):
            in_street = frames.street[a] == frames.street[b]
            apart_m = abs(frames.along_m[a] - frames.along_m[b])
            alike = abs(frames.heading_deg[a] - frames.heading_deg[b]) < 90
            assert batch.is_same[i, j] == (i != j and in_street and alike and apart_m < 9)
            assert batch.is_other[i, j] == (not in_street or apart_m >= 25)
    assert batch.is_same.any(axis=1).all()  # two views of each place


def test_too_few_pictures_are_refused(frames: Frames) -> None:
    with pytest.raises(InvalidInput, match="a batch has 4 streets, and the pictures have 3"):
        Sampler(frames, replace(SMALL, streets=4))
    with pytest.raises(InvalidInput, match="3 views of a place"):
        Sampler(frames, replace(SMALL, views=3))


def test_the_loss_is_the_cross_entropy_of_each_picture_of_the_place() -> None:
    features = F.normalize(torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    is_same = torch.tensor([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)
    is_other = torch.tensor([[0, 0, 1, 0], [0, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]], dtype=torch.bool)
    weight = (features @ features.T * 5).exp().tolist()
    first = -log(weight[0][1] / (weight[0][1] + weight[0][2]))
    second = -log(weight[1][0] / (weight[1][0] + weight[1][2] + weight[1][3]))
    loss = place_loss(features, is_same, is_other, torch.tensor(5.0))
    assert float(loss) == pytest.approx((first + second) / 2, rel=1e-5)
    assert exp(-first) > 0


def test_a_run_that_is_cut_off_goes_on_exactly(frames: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = replace(BACKBONE_CONFIG, embed_dim=32, depth=4, mlp_dim=64)
    monkeypatch.setattr("demo.pretraining.run.BACKBONE_CONFIG", narrow)
    whole = Pretraining(frames, SMALL, tmp_path / "whole", CPU)
    reports = list(whole.run(report_every=2))
    assert [report.step for report in reports] == [2, 4]
    cut = Pretraining(frames, SMALL, tmp_path / "cut", CPU)
    assert next(cut.run(report_every=1)).step == 1  # cut off behind the second step, before its checkpoint
    continued = Pretraining(frames, SMALL, tmp_path / "cut", CPU)
    list(continued.run())
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, continued.network.state_dict()[name]), name
    assert not continued.network.is_trained  # a backbone: SelaVPR's own parts are not there yet
    with pytest.raises(CheckpointError, match="belongs to another pre-training"):
        Pretraining(frames, replace(SMALL, seed=9), tmp_path / "cut", CPU)
    (tmp_path / "cut" / CHECKPOINT_NAME).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="is damaged"):
        Pretraining(frames, SMALL, tmp_path / "cut", CPU)
