"""The score that ``python -m demo check`` prints, of a real service."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demo.__main__ import app
from demo.build import DemoFiles, build_demo
from demo.check import ALL, CheckedQuery, Score, chance, check_queries, read_queries, scores
from demo.shipped import ShippedTown
from index_builder.sources.read import read_source
from model.progress import Progress
from service.errors import InvalidSamples, NotReady
from service.key_file import append_key
from service.keys import Scope, make_key
from service.settings import ServiceSettings
from tests.service.conftest import serving

AWAY_DEG = 0.01  # degrees of latitude, more than a kilometre


@pytest.fixture(scope="module")
def echoing(town: ShippedTown, tmp_path_factory: pytest.TempPathFactory) -> ShippedTown:
    """Return a town whose queries are pictures of its map; the last one states another place."""
    echoing = ShippedTown(Path(shutil.copytree(town.root, tmp_path_factory.mktemp("echoing") / "town")))
    shutil.rmtree(echoing.pictures / "queries")
    shutil.copytree(echoing.database, echoing.pictures / "queries")
    lines = ["path,latitude,longitude,condition"]
    for number, place in enumerate(read_source(echoing.database).places):
        latitude = place.position.latitude + AWAY_DEG * (number == 3)
        condition = "sun" if number < 2 else "night"
        lines.append(f"queries/{place.id},{latitude},{place.position.longitude},{condition}")
    echoing.query_list.write_text("\n".join(lines) + "\n", "utf-8")
    return echoing


@pytest.fixture(scope="module")
def url(
    echoing: ShippedTown,
    silent: Callable[[str], AbstractContextManager[Progress]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    files = DemoFiles(tmp_path_factory.mktemp("demo"))
    build_demo(files.root, silent, echoing)
    with serving(ServiceSettings(maps=(files.map,), weights=str(files.weights))) as served:
        served.wait_until_ready()
        yield str(served.client.base_url)


def test_distance_is_from_where_the_query_was_taken(echoing: ShippedTown, url: str) -> None:
    answers = list(check_queries(read_queries(echoing), url, "demo"))
    assert [answer.found for answer in answers] == [answer.query.sample.path.name for answer in answers]
    assert [answer.is_found for answer in answers] == [True, True, True, False]
    assert max(answer.off_m or 0 for answer in answers[:3]) < 0.1
    assert answers[3].off_m == pytest.approx(1112, abs=2)
    assert all(answer.duration_ms > 0 for answer in answers)


def test_command_prints_a_row_for_each_condition(echoing: ShippedTown, url: str) -> None:
    result = CliRunner().invoke(app, ["check", "--url", url, "--each", "--town", str(echoing.root)])
    assert result.exit_code == 0
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stdout.splitlines()]
    scored = {row[0]: row[1:4] for row in cells if len(row) == 6}
    assert scored == {"sun": ["2", "2", "100%"], "night": ["2", "1", "50%"], "all": ["4", "3", "75%"]}
    assert sum(len(row) == 4 for row in cells) == 4
    assert "at random: 19%" in result.stdout  # three of the 4 · 4 pairs


def test_scores_keep_the_order_of_the_queries_and_end_with_all() -> None:
    queries = read_queries()
    answers = [CheckedQuery(query, None, None, 5.0) for query in queries]
    answers[0] = CheckedQuery(queries[0], "a", 3.0, 15.0)
    found = scores(answers)
    conditions = ["sun", "overcast", "dusk", "rain", "snow", "fog", "night", ALL]
    assert [score.condition for score in found] == conditions
    assert found[0] == Score("sun", 9, 1, 3.0, (15 + 8 * 5) / 9)
    assert found[1] == Score("overcast", 9, 0, None, 5.0)
    assert found[-1].queries == 60


def test_chance_of_the_shipped_queries_is_small() -> None:
    assert 0.05 < chance(read_queries()) < 0.1


def test_query_without_position_is_named(town: ShippedTown, tmp_path: Path) -> None:
    other = ShippedTown(Path(shutil.copytree(town.root, tmp_path / "town")))
    other.query_list.write_text(other.query_list.read_text("utf-8").replace(",sun,", ",,"), "utf-8")
    with pytest.raises(InvalidSamples, match="lacks the position or the condition of queries/street-136-query"):
        read_queries(other)


def test_nobody_there_is_said_with_what_to_do(town: ShippedTown) -> None:
    with pytest.raises(NotReady, match="is the service running"):
        next(check_queries(read_queries(town), "http://127.0.0.1:9"))


def test_wrong_map_is_said_in_the_words_of_the_service(town: ShippedTown, url: str) -> None:
    with pytest.raises(NotReady, match="answered 404 to queries/"):
        next(check_queries(read_queries(town), url, "elsewhere"))


def test_a_service_with_keys_is_asked_with_one(
    echoing: ShippedTown,
    silent: Callable[[str], AbstractContextManager[Progress]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = DemoFiles(tmp_path / "demo")
    build_demo(files.root, silent, echoing)
    key, line = make_key("demo", [Scope.READ])
    append_key(tmp_path / "keys.txt", "demo", line)
    settings = ServiceSettings(maps=(files.map,), weights=str(files.weights), keys=tmp_path / "keys.txt")
    with serving(settings) as served:
        served.wait_until_ready()
        command = ["check", "--url", str(served.client.base_url), "--town", str(echoing.root)]
        refused = CliRunner().invoke(app, command)
        assert isinstance(refused.exception, NotReady)
        assert "answered 401" in refused.exception.message
        monkeypatch.setenv("PLACEFIX_KEY", key)
        assert CliRunner().invoke(app, command).exit_code == 0
