"""POST /localize?evidence=matches: which parts of a photo were found in the candidates, for people who look at it."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model.geo import LatLon
from model.selavpr.config import SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from service.schemas.answer import LocalizationAnswer
from service.schemas.evidence import MatchedCandidateAnswer, MatchesAnswer
from service.words import MOST_MATCHED, MOST_PAIRS
from tests.service.asking import check_problem
from tests.service.conftest import Serve, Served, Town, build_town
from tests.service.pictures import JPEG

ASKED = {"evidence": "matches"}
_MOST_BYTES = 32_768
_TURNED = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def ask(served: Served, content: bytes, parameters: Mapping[str, Any] = ASKED) -> LocalizationAnswer:
    response = served.client.post("/localize", content=content, params=dict(parameters))
    assert response.is_success, response.text
    return LocalizationAnswer.model_validate(response.json())


def matches_of(answer: LocalizationAnswer) -> MatchesAnswer:
    assert answer.matches is not None
    return answer.matches


@pytest.mark.parametrize("rerank", ["auto", "true", "false"])
def test_a_photo_of_the_map_matches_itself_cell_by_cell(rerank: str, town: Town, town_server: Served) -> None:
    content = town.photos["a street/3.jpg"].read_bytes()
    answer = ask(town_server, content, {**ASKED, "rerank": rerank})
    grid, told = matches_of(answer).grid, matches_of(answer).candidates
    assert (grid.rows, grid.columns, len(grid.y), len(grid.x)) == (29, 29, 29, 29)
    assert [each.candidate for each in told[:3]] == answer.candidates[:3]
    best = told[0]
    assert best.candidate.id == "a street/3.jpg"
    assert not best.is_elsewhere
    assert best.query_cells == best.candidate_cells
    assert len(set(best.query_cells)) == MOST_PAIRS
    for each in told:
        check_pairs(each, cells=29 * 29)
        if rerank == "true":
            assert each.count == each.candidate.mutual_matches
    assert answer.timings_ms.evidence > 0
    assert answer.without_evidence is None


def check_pairs(each: MatchedCandidateAnswer, cells: int) -> None:
    assert len(each.query_cells) == len(each.candidate_cells) == len(each.similarities) == min(each.count, MOST_PAIRS)
    assert set(each.query_cells) | set(each.candidate_cells) <= set(range(cells))
    assert each.similarities == sorted(each.similarities, reverse=True)
    assert all(-1 <= similarity <= 1 for similarity in each.similarities)


def test_what_is_not_asked_for_is_not_told(town_server: Served) -> None:
    answer = ask(town_server, JPEG, {})
    assert (answer.matches, answer.without_evidence) == (None, None)
    assert answer.timings_ms.evidence == 0


def test_nothing_is_matched_where_no_picture_comes_into_question(town_server: Served) -> None:
    answer = ask(town_server, JPEG, {**ASKED, "near": "0,0", "within_m": "1"})
    assert (answer.status, answer.matches) == ("no_candidates", None)
    assert answer.without_evidence == "no picture of the map may be the answer"


def test_the_form_may_ask_for_it_too(town_server: Served) -> None:
    form = town_server.client.post("/localize", files={"image": JPEG}, data=ASKED).json()
    assert form["matches"] == ask(town_server, JPEG).model_dump(mode="json")["matches"]


@pytest.mark.parametrize("kind", ["place", "sequence"])
def test_several_photos_as_one_question_have_no_matches(kind: str, town_server: Served) -> None:
    files = [("image", ("a.jpg", JPEG)), ("image", ("b.jpg", JPEG))]
    response = town_server.client.post("/localize", files=files, data={**ASKED, "together": kind})
    detail = check_problem(response, 422, "invalid_parameter")["detail"]
    assert detail.startswith("evidence=matches is for one photo: leave it out")


def test_geojson_has_no_room_for_it(town_server: Served) -> None:
    headers = {"Accept": "application/geo+json"}
    response = town_server.client.post("/localize", content=JPEG, params=ASKED, headers=headers)
    assert "GeoJSON cannot hold evidence" in check_problem(response, 422, "invalid_parameter")["detail"]


def test_an_unknown_word_is_refused_with_the_known_one(town_server: Served) -> None:
    response = town_server.client.post("/localize", content=JPEG, params={"evidence": "lines"})
    [error] = check_problem(response, 422, "invalid_parameter")["errors"]
    assert (error["parameter"], "'matches'" in error["message"]) == ("evidence", True)


@pytest.mark.parametrize("orientation", _TURNED)
def test_cells_lie_in_the_picture_as_a_browser_shows_it(orientation: int, town: Town, town_server: Served) -> None:
    """A photo whose upper third, as it is shown, belongs to a picture of the map, and noise below."""
    asked_id = "a street/5.jpg"
    with Image.open(town.photos[asked_id]) as stored:
        shown = stored.convert("RGB").resize((300, 450))  # a network sees either squashed to a square
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    shown.paste(Image.fromarray(noise), (0, 150))
    turn, exif, buffer = _TURNED[orientation], Image.Exif(), BytesIO()
    exif[0x0112] = orientation
    (shown if turn is None else shown.transpose(turn)).save(buffer, "PNG", exif=exif)
    matches = matches_of(ask(town_server, buffer.getvalue(), {**ASKED, "shortlist": "12", "candidates": "12"}))
    [told] = [each for each in matches.candidates if each.candidate.id == asked_id]
    y, x = matches.grid.y, matches.grid.x
    from_top = [(y[query // 29], y[other // 29]) for query, other in _pairs(told)[:40]]
    assert np.mean([query < 1 / 3 and other < 1 / 3 for query, other in from_top]) > 0.9
    assert np.median([abs(query - other) for query, other in from_top]) < 1 / 29
    assert np.median([abs(x[query % 29] - x[other % 29]) for query, other in _pairs(told)[:40]]) < 1 / 29


def _pairs(told: MatchedCandidateAnswer) -> list[tuple[int, int]]:
    return list(zip(told.query_cells, told.candidate_cells, strict=True))


def test_an_answer_is_small_however_many_cells_match(tmp_path: Path, serve: Serve) -> None:
    config = SelaVPRConfig(
        embed_dim=64, depth=2, num_heads=4, mlp_dim=256, adapter_dim=32, local_hidden_dim=32, local_dim=16
    )
    positions = {f"{number}.jpg": LatLon(55.7, 13.2 + 0.01 * number) for number in range(6)}
    large = build_town(tmp_path, "large", seeded_network(config, seed=7), positions, first_seed=300)
    served = serve(large)
    content = large.photos["2.jpg"].read_bytes()
    response = served.client.post("/localize", content=content, params={**ASKED, "candidates": 1000})
    with_one = served.client.post("/localize", content=content, params={"candidates": 1000})
    matches = matches_of(LocalizationAnswer.model_validate(response.json()))
    assert (matches.grid.rows, matches.grid.columns) == (61, 61)
    assert max(each.count for each in matches.candidates) > 10 * MOST_PAIRS
    assert len(matches.candidates) <= MOST_MATCHED
    assert len(response.content) - len(with_one.content) < _MOST_BYTES


def test_heat_tells_where_the_network_looked_in_the_upright_photo(town: Town, town_server: Served) -> None:
    with Image.open(town.photos["a street/5.jpg"]) as stored:
        shown = stored.convert("RGB").resize((300, 450))
    told = []
    for orientation, turn in _TURNED.items():
        exif, buffer = Image.Exif(), BytesIO()
        exif[0x0112] = orientation
        (shown if turn is None else shown.transpose(turn)).save(buffer, "PNG", exif=exif)
        answer = ask(town_server, buffer.getvalue(), {"evidence": "heat"})
        assert answer.heat is not None
        assert answer.matches is None
        told.append(answer.heat)
    assert (told[0].rows, told[0].columns) == (8, 8)
    assert np.mean(told[0].values) == pytest.approx(1, abs=0.001)
    assert len(told[0].values) == 64
    assert all(each == told[0] for each in told)


def test_heat_does_not_need_a_candidate(town_server: Served) -> None:
    answer = ask(town_server, JPEG, {"evidence": "heat", "near": "0,0", "within_m": "1"})
    assert answer.status == "no_candidates"
    assert answer.heat is not None
