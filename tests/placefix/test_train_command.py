import re
import signal
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from index_builder.errors import SourceError
from model.errors import PlacefixError
from model.recall import Recalls
from model.selavpr.initialisation import seeded_network
from model.training.errors import CheckpointError, InvalidTrainingConfig, UnsuitableTrainingData
from model.training.events import Began, Encoded, Stepped, Validated
from model.weights import load_network, save_network
from model.weights_errors import WeightsError
from placefix.command_line import app
from placefix.exit_codes import ExitCode
from placefix.training_progress import show_training
from tests.child_processes import Program
from tests.model.training.small_run import NETWORK, small_config, small_set
from tests.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]

SETTINGS = """
[data]
train_database = "train_database.csv"
train_queries = "train_queries.csv"
val_database = "val_database.csv"
val_queries = "val_queries.csv"
[network]
weights = "{weights}"
[mining]
queries_per_epoch = 12
refresh_every = 6
pool_size = 8
negatives = 1
[optimization]
learning_rate = 1e-3
batch_size = 2
epochs = 2
[validation]
shortlist = 3
[run]
folder = "run"
device = "cpu"
checkpoint_every = 2
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Return the settings of a training, with everything that they name."""
    for split, seed in (("train", 0), ("val", 100)):
        places = small_set(tmp_path, split, seed)
        for side, pictures in (("database", places.database), ("queries", places.queries)):
            lines = [f"{each.path},{each.position.latitude},{each.position.longitude}" for each in pictures]
            (tmp_path / f"{split}_{side}.csv").write_text("path,latitude,longitude\n" + "\n".join(lines) + "\n")
    save_network(seeded_network(NETWORK, seed=1), tmp_path / "seeded.safetensors")
    path = tmp_path / "train.toml"
    path.write_text(SETTINGS.format(weights=tmp_path / "seeded.safetensors"))
    return path


def train(settings: Path, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, ["train", "--config", str(settings)], env={"COLUMNS": "200"})
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result.output


def error_of(settings: Path, old: str = "", new: str = "") -> BaseException | None:
    settings.write_text(settings.read_text().replace(old, new))
    return CliRunner().invoke(app, ["train", "--config", str(settings)]).exception


def test_a_network_is_trained(settings: Path) -> None:
    output = train(settings)
    for said in (
        "12 pictures, 12 with a position",
        "device: cpu",
        "before training; R@1:",
        "epoch 2: loss",
        "2, 12 steps",
        "placefix build",
    ):
        assert said in output
    learning, parameters = re.findall(r"(\d[\d,]*) of (\d[\d,]*) parameters learn", output)[0]
    assert int(learning.replace(",", "")) < int(parameters.replace(",", ""))
    run = settings.parent / "run"
    assert load_network(run / "best.safetensors").is_trained
    assert "continuing after step 12" in train(settings)
    left = {each.name for each in run.iterdir()}
    assert left == {"best.safetensors", "checkpoint.pt", "checked_pictures.json", "tensorboard"}


def test_the_layout_of_the_field_is_read(settings: Path) -> None:
    dataset = settings.parent / "town"
    for split, seed in (("train", 0), ("val", 100)):
        places = small_set(settings.parent, split, seed)
        for side, pictures in (("database", places.database), ("queries", places.queries)):
            folder = dataset / "images" / split / side
            folder.mkdir(parents=True)
            for number, each in enumerate(pictures):
                name = f"@{500_000 + number * 30:010.2f}@{number * 30 + 6_000_000:010.2f}@33@U@@@@@@@@@@@.jpg"
                (folder / name).write_bytes(each.path.read_bytes())
    data = SETTINGS[SETTINGS.index("train_database") : SETTINGS.index("[network]")]
    settings.write_text(settings.read_text().replace(data, 'dataset = "town"\n').replace("epochs = 2", "epochs = 1"))
    output = train(settings)
    assert output.count("utm folder, 12 pictures") == 4
    assert "1, 6 steps" in output


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        ("negatives = 1", "negativs = 1", InvalidTrainingConfig, r"mining\.negativs \(did you mean negatives"),
        ("train_queries.csv", "nothing.csv", SourceError, "does not exist"),
        ("seeded.safetensors", "nothing.pth", WeightsError, "nothing.pth"),
        ("val_queries.csv", "far.csv", UnsuitableTrainingData, "no validation query of 1"),
        ("train_database.csv", "unreadable.csv", UnsuitableTrainingData, r"1 of \d+ pictures cannot be read"),
        ("[mining]", 'adapters = "none"\n[mining]', InvalidTrainingConfig, None),
    ],
)
def test_what_is_wrong_is_told_before_the_first_step(
    settings: Path, old: str, new: str, kind: type[PlacefixError], said: str | None
) -> None:
    folder = settings.parent
    first = small_set(folder).database[0].path
    (folder / "far.csv").write_text(f"path,latitude,longitude\n{first},50,50\n")
    (folder / "unreadable.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    near = "\n".join(f"{each.path},0,{each.position.longitude}" for each in small_set(folder).database)
    (folder / "unreadable.csv").write_text(f"path,latitude,longitude\n{near}\nunreadable.jpg,0,13.0\n")
    if said is None:  # a trained network has the parts that it has
        trained = seeded_network(NETWORK, seed=1)
        trained.is_trained = True
        save_network(trained, folder / "seeded.safetensors")
        said = r"network\.adapters = 'none' contradicts"
    error = error_of(settings, old, new)
    assert isinstance(error, kind), error
    assert re.search(said, error.message), error.message
    assert not (folder / "run" / "checkpoint.pt").exists()


def test_another_training_in_the_same_folder_is_refused(settings: Path) -> None:
    train(settings)
    error = error_of(settings, "pool_size = 8", "pool_size = 9")
    assert isinstance(error, CheckpointError)
    assert "mining.pool_size was 8, is 9" in error.message


def test_tensorboard_has_the_curves_once_although_the_training_was_continued(settings: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(settings)
    settings.write_text(settings.read_text().replace("epochs = 2", "epochs = 3"))
    train(settings)
    curves = reading.EventAccumulator(str(settings.parent / "run" / "tensorboard"))
    curves.Reload()
    assert [each.step for each in curves.Scalars("loss/total")] == list(range(1, 19))
    assert [each.step for each in curves.Scalars("recall re-ranked/R@5")] == [0, 6, 12, 18]
    for name in ("loss/global", "loss/local", "gradient norm", "mining/skipped queries", "recall/R@1"):
        assert curves.Scalars(name)


def test_ctrl_c_says_how_to_continue(settings: Path) -> None:
    settings.write_text(settings.read_text().replace("epochs = 2", "epochs = 5000\npatience = 5000"))
    checkpoint, printed = settings.parent / "run" / "checkpoint.pt", settings.parent / "printed"
    with Program("train", "--config", settings, output=printed) as process:
        wait_until(lambda: process.poll() is not None or checkpoint.exists())
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == ExitCode.INTERRUPTED
    errors = printed.read_text()
    assert "The same command continues" in errors
    assert "Traceback" not in errors


def test_a_terminal_shows_loss_and_time_left(tmp_path: Path) -> None:
    console = Console(force_terminal=True, width=160, record=True)
    with show_training(small_config(tmp_path), console) as observe:
        observe(Began(epoch=1, step=6, trainable=10, parameters=99, queries_without_positive=3))
        observe(Encoded("mining", 5, 20))
        found = Recalls({1: 40.0, 5: 62.5, 10: 70.0, 20: 80.0}, queries=8, without_positive=0)
        observe(Validated(1, 6, 0.3, found, found, is_best=True, epochs_without_improvement=0, skipped=0))
        observe(Stepped(epoch=2, step=7, total=0.25, global_loss=0.2, local_loss=0.05, gradient_norm=1, queries_done=2))
    shown = console.export_text()
    assert "3 training queries have no picture within 10 m" in shown
    assert "continuing after step 6" in shown
    assert "mining" in shown
    assert "epoch 2 of 2, loss 0.2500, R@5 62.5" in shown
    assert "14/24" in shown
