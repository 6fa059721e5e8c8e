"""Right answers, by every rule that can be chosen."""

import json
from pathlib import Path

from typer.testing import CliRunner

from index_builder.errors import SourceError
from model.errors import InvalidInput
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from placefix.command_line import app
from tests.conftest import write_photo
from tests.placefix.evaluation.small_set import Set, error_of, from_folders, measure, run
from tests.walks import write_walk


def test_recalls_are_written_as_one_likes(town: Set, town_map: Path) -> None:
    source = ["--map", town_map, "--queries", town.folder / "queries"]
    for flags in (["--recalls", 3, 1], ["--recalls", "1,3"], ["--recalls", "1 3"], ["--recalls=3,1"]):
        assert list(measure(*source, *flags)["recalls_before"]) == ["R@1", "R@3"]
        assert list(measure(*flags, *source)["recalls_before"]) == ["R@1", "R@3"]


def test_what_counts_as_right_can_be_chosen(town: Set, town_map: Path) -> None:
    """Query n stands 3 m behind picture 2n; the pictures are 20 m apart, and those of even number look north."""
    source = ["--map", town_map, "--queries", town.folder / "queries", "--recalls", 10]

    def positives(*flags: object) -> list[list[str]]:
        folder = town.folder / "predictions" / "-".join(str(flag).strip("-") for flag in flags)
        run(*source, *flags, "--predictions", folder)
        files = sorted((folder / "queries").iterdir())
        ids = [json.loads(file.read_text())["positives"] for file in files]
        return [[place_id.split("@")[7].removeprefix("key") for place_id in of_query] for of_query in ids]

    assert positives("--threshold-m", 25) == [["0", "1"], ["1", "2", "3"], ["3", "4", "5"], ["5", "6", "7"],
                                              ["7", "8", "9"], []]  # fmt: skip
    assert positives("--threshold-m", 18) == [["0", "1"], ["2", "3"], ["4", "5"], ["6", "7"], ["8", "9"], []]
    assert positives("--heading-deg", 40) == [["0"], ["2"], ["4"], ["6"], ["8"], []]
    assert positives("--heading-deg", 80, "--threshold-m", 10) == [["0"], ["2"], ["4"], ["6"], ["8"], []]
    settings = measure(*source, "--heading-deg", 40)["settings"]
    assert (settings["threshold_m"], settings["heading_deg"], settings["frame_tolerance"]) == (25, 40, None)


def test_frames_instead_of_metres(town: Set, town_map: Path, tmp_path: Path) -> None:
    """The files have a column of frames: query n is picture n; with a tolerance of one its neighbours, too."""
    by_csv = [*from_folders(town, "csv"), "--frame-tolerance", 1, "--recalls", 10]
    measured = measure(*by_csv, "--predictions", tmp_path / "p")
    assert (measured["queries_without_positive"], measured["recalls_before"]) == (0, {"R@10": 100.0})
    first = json.loads((tmp_path / "p" / "queries" / "000000.json").read_text())
    assert [Path(place_id).name for place_id in first["positives"]] == [town.database[0].id, town.database[1].id]
    # A map of the same file, with the file for its frames.
    csv_map = town.folder / "maps" / "csv"
    arguments = ["build", "--source", town.side("database", "csv"), "--weights", town.weights, "--out", csv_map]
    assert CliRunner().invoke(app, list(map(str, arguments))).exit_code == 0
    by_map = ["--map", csv_map, "--database", town.side("database", "csv"), "--queries", town.side("queries", "csv")]
    again = measure(*by_map, "--frame-tolerance", 1, "--recalls", 10)
    assert again["recalls_before"] == measured["recalls_before"]
    wrong = ["--map", town_map, "--database", town.side("database", "csv"), "--queries", town.side("queries", "csv")]
    error = error_of(*wrong, "--frame-tolerance", 1)
    assert isinstance(error, InvalidInput)
    assert "frame numbers of 10 pictures of the database are not known" in error.message
    error = error_of(*by_csv, "--exclude", "x")
    assert isinstance(error, SourceError)
    assert "--root have an effect" in error.message


def test_a_list_chooses_the_queries(town: Set, town_map: Path, tmp_path: Path) -> None:
    (tmp_path / "official.txt").write_text("# two of them\nkey1\nkey4\n")
    source = ["--map", town_map, "--queries", town.folder / "queries"]
    measured = measure(*source, "--query-list", tmp_path / "official.txt")
    assert (measured["queries"], measured["queries_without_positive"]) == (2, 0)
    (tmp_path / "other.txt").write_text("key77\n")
    assert isinstance(error_of(*source, "--query-list", tmp_path / "other.txt"), SourceError)


def test_msls_as_it_is_distributed(town: Set, tmp_path: Path) -> None:
    """Two cities, each side with its own lists: pictures within 25 m and 40°."""
    for city, places in (("cph", (0, 1, 2)), ("sf", (6, 7))):
        for side, of_side in (("database", town.database), ("query", town.queries)):
            folder = tmp_path / "train_val" / city / side
            rows = [",key,lon,lat,ca,captured_at,pano"]
            for number in places if side == "database" else places[:1]:
                place = of_side[number] if side == "database" else of_side[number // 2]
                key = f"{side}{number}"
                (folder / "images").mkdir(parents=True, exist_ok=True)
                (folder / "images" / f"{key}.jpg").write_bytes(place.path.read_bytes())
                position = place.position
                rows.append(f"{number},{key},{position.longitude},{position.latitude},{place.heading_deg},2018,False")
            (folder / "raw.csv").write_text("\n".join(rows) + "\n")
    sides: list[object] = ["--weights", town.weights, "--heading-deg", 40, "--recalls", 5]
    for city in ("cph", "sf"):
        root = tmp_path / "train_val" / city
        sides += ["--database", root / "database", "--queries", root / "query"]
    measured = measure(*sides, "--predictions", tmp_path / "p")
    assert (measured["database"], measured["queries"], measured["recalls_before"]) == (5, 2, {"R@5": 100.0})
    first, second = sorted((tmp_path / "p" / "queries").iterdir())
    assert json.loads(first.read_text())["positives"] == ["database0"]
    assert json.loads(second.read_text())["positives"] == ["database6"]
    header, *rows = (tmp_path / "p" / "msls_challenge.csv").read_text().splitlines()
    assert header.startswith("#")
    assert [row.split()[0] for row in rows] == ["query0", "query6"]
    assert all(sorted(row.split()[1:]) == [f"database{n}" for n in (0, 1, 2, 6, 7)] for row in rows)


def test_gardens_point_by_frames_and_by_its_invented_metres(tmp_path: Path, tiny_network: SelaVPR) -> None:
    """Two frames to each side equal 25 of its invented metres."""
    save_network(tiny_network, tmp_path / "tiny.safetensors")
    sides: list[object] = ["--weights", tmp_path / "tiny.safetensors"]
    for side, speed in (("database", 1), ("queries", 5)):  # some queries show a frame near by, some one too far off
        for frame, path in enumerate(write_walk(tmp_path, side, frames=12)):
            write_photo(path, speed * frame % 12)
        sides += [f"--{side}", tmp_path / f"{side}.csv"]
    by_frames = measure(*sides, "--frame-tolerance", 2)
    degrees = ["--latitude-column", "dummy_lat", "--longitude-column", "dummy_lon"]
    by_metres = measure(*sides, *degrees)
    assert by_frames["recalls_before"] == by_metres["recalls_before"]
    assert 0 < by_frames["recalls_before"]["R@1"] < 100
    assert by_frames["queries_without_positive"] == by_metres["queries_without_positive"] == 0
