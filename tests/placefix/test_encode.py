"""``placefix encode``: what scripts get that want the network alone."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from index_builder.errors import SourceError
from model.encoder import Encoder
from model.errors import InvalidInput, PlacefixError, StorageError
from model.images import open_image
from model.picture_errors import CorruptImage, NotAnImage, UnreadableImage
from model.preprocess import Preparation, Preprocessing, preprocess
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from placefix.command_line import app
from tests.conftest import TINY_CELLS, MakePhoto
from tests.golden.recordings import write_checkpoint


@pytest.fixture(scope="module")
def weights(tiny_network: SelaVPR, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_network(tiny_network, path)
    return path


def encode(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["encode", *map(str, arguments)])
    if result.exception is not None and isinstance(result.exception, PlacefixError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_features_of_files_and_folders(
    make_photo: MakePhoto, tiny_encoder: Encoder, weights: Path, tmp_path: Path
) -> None:
    single = make_photo(tmp_path / "z.jpg", seed=0, orientation=6)
    folder = tmp_path / "folder"
    inside = [make_photo(folder / name, seed=seed) for seed, name in enumerate(["a.jpeg", "b.jpg", "sub/a.JPG"], 1)]
    out = tmp_path / "features.npz"
    output = encode(single, folder, "--weights", weights, "--out", out, "--batch-size", 3)
    assert "4 pictures" in output
    with np.load(out, allow_pickle=False) as archive:
        assert archive["paths"].tolist() == [str(single), *map(str, inside)]
        assert archive["global_features"].shape == (4, 64)
        assert archive["local_features"].shape == (4, TINY_CELLS, 16)
        assert archive["global_features"].dtype == archive["local_features"].dtype == np.float32
        for row, path in enumerate(archive["paths"]):
            expected = tiny_encoder.encode(preprocess(open_image(Path(path)))[None])
            np.testing.assert_allclose(archive["global_features"][row], expected.global_features[0], atol=1e-6)
            np.testing.assert_allclose(archive["local_features"][row], expected.local_features[0], atol=2e-6)


def test_a_network_sees_as_much_as_is_asked_for(make_photo: MakePhoto, weights: Path, tmp_path: Path) -> None:
    photo = make_photo(tmp_path / "photo.jpg", seed=0)
    for size, cells in (("140", 17 * 17), ("56x84", 5 * 9)):
        encode(photo, "--weights", weights, "--out", tmp_path / "f.npz", "--input-size", size)
        with np.load(tmp_path / "f.npz", allow_pickle=False) as archive:
            assert archive["local_features"].shape == (1, cells, 16)
    with pytest.raises(InvalidInput, match="--input-size 71x71: height and width must be multiples of 28"):
        encode(photo, "--weights", weights, "--out", tmp_path / "f.npz", "--input-size", "71")
    for size in ("large", "1x2x3", "-14", ""):
        result = CliRunner().invoke(app, ["encode", str(photo), "--out", str(tmp_path / "f.npz"), "--input-size", size])
        assert (result.exit_code, "is not a size" in result.output) == (2, True), result.output


def test_without_weights_the_best_network_that_is_here_encodes(
    make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACEFIX_CACHE", str(tmp_path / "empty"))
    monkeypatch.delenv("PLACEFIX_WEIGHTS", raising=False)
    output = encode(make_photo(tmp_path / "photo.jpg", seed=0), "--out", tmp_path / "f.npz")
    assert "network: starter (auto: no published network is here; placefix weights fetch selavpr_msls" in output
    with np.load(tmp_path / "f.npz", allow_pickle=False) as archive:
        assert archive["global_features"].shape == (1, 1312)
        assert archive["local_features"].shape == (1, 256, 120)


def test_the_preprocessing_can_be_chosen(
    make_photo: MakePhoto, tiny_encoder: Encoder, weights: Path, tmp_path: Path
) -> None:
    photo = make_photo(tmp_path / "photo.jpg", seed=0, size=(640, 480))
    encode(photo, "--weights", weights, "--out", tmp_path / "f.npz", "--preprocess", "official-eval")
    image = preprocess(open_image(photo), Preparation(preprocessing=Preprocessing.OFFICIAL_EVAL))
    with np.load(tmp_path / "f.npz", allow_pickle=False) as archive:
        expected = tiny_encoder.encode(image[None]).global_features.numpy()
        np.testing.assert_allclose(archive["global_features"], expected, atol=1e-6)


def test_recorded_checkpoint(make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo(tmp_path / "photo.jpg", seed=0)
    checkpoint = write_checkpoint("tiny224", tmp_path)
    encode(photo, "--weights", checkpoint, "--num-heads", 4, "--out", tmp_path / "f.npz")
    with np.load(tmp_path / "f.npz", allow_pickle=False) as archive:
        assert archive["local_features"].shape == (1, 3721, 16)


@pytest.mark.parametrize(("content", "error"), [(b"no picture", NotAnImage), (b"half", CorruptImage)])
def test_a_picture_that_cannot_be_read_leaves_no_file(
    make_photo: MakePhoto, weights: Path, tmp_path: Path, content: bytes, error: type[PlacefixError]
) -> None:
    good = make_photo(tmp_path / "good.jpg", seed=0)
    data = good.read_bytes()
    (tmp_path / "bad.jpg").write_bytes(data[: len(data) // 2] if content == b"half" else content)
    with pytest.raises(error, match=r"bad\.jpg"):
        encode(good, tmp_path / "bad.jpg", "--weights", weights, "--out", tmp_path / "f.npz", "--batch-size", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jpg", "good.jpg"]


def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(make_photo: MakePhoto, weights: Path, tmp_path: Path) -> None:
    make_photo(tmp_path / "photos" / "good.jpg", seed=0)
    os.mkfifo(tmp_path / "photos" / "pipe.jpg")
    with pytest.raises(UnreadableImage, match=r"pipe\.jpg is not a regular file"):
        encode(tmp_path / "photos", "--weights", weights, "--out", tmp_path / "f.npz")


def test_a_disk_that_does_not_take_the_archive_is_told(make_photo: MakePhoto, weights: Path, tmp_path: Path) -> None:
    photo, out = make_photo(tmp_path / "photo.jpg", seed=0), tmp_path / "f.npz"
    out.write_bytes(b"an older archive")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # one picture takes 54 kB
    try:
        with pytest.raises(StorageError, match=r"f\.npz cannot be written: File too large"):
            encode(photo, "--weights", weights, "--out", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert out.read_bytes() == b"an older archive"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.npz", "photo.jpg"]


def test_wrong_arguments_are_found_before_any_work(weights: Path, make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo(tmp_path / "photo.jpg", seed=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match=r"must end in \.npz"):
        encode(photo, "--weights", weights, "--out", tmp_path / "f.zip")
    with pytest.raises(InvalidInput, match="there is no folder"):
        encode(photo, "--weights", weights, "--out", tmp_path / "nowhere" / "f.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(InvalidInput, match="this is a folder"):
        encode(photo, "--weights", weights, "--out", tmp_path / "folder.npz")
    with pytest.raises(SourceError, match="holds no pictures"):
        encode(tmp_path / "empty", "--weights", weights, "--out", tmp_path / "f.npz")
    with pytest.raises(SourceError, match="this file or folder does not exist"):
        encode(tmp_path / "missing.jpg", "--weights", weights, "--out", tmp_path / "f.npz")


def test_the_archive_is_what_torch_would_give(make_photo: MakePhoto, weights: Path, tmp_path: Path) -> None:
    """Features of the archive are normalised, so they can be compared as they are."""
    encode(make_photo(tmp_path / "photo.jpg", seed=3), "--weights", weights, "--out", tmp_path / "f.npz")
    with np.load(tmp_path / "f.npz", allow_pickle=False) as archive:
        lengths = torch.from_numpy(archive["local_features"]).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.ones(1, TINY_CELLS))
