"""Shards on Ray Serve answer all queries of the demo as one machine; each picture is there twice, so there are ties."""

import csv
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from demo.shipped import SHIPPED
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from service.settings import ServiceSettings
from tests import calibrations
from tests.cluster.shards import NONE_WATCHED, deployed
from tests.conftest import TINY_CONFIG
from tests.figures import Record, timed
from tests.service.conftest import HasClient, Town, serving
from tests.service.sharding import answer_of, serve_front

ASKED: list[dict[str, str]] = [
    {"rerank": "false", "candidates": "100", "shortlist": "1000"},
    {"rerank": "true", "candidates": "20", "shortlist": "20"},
    {"rerank": "auto", "candidates": "20", "shortlist": "20"},
]


@dataclass(frozen=True)
class Demo:
    """Hold the demo, and the answers of one machine to its queries.

    Attributes:
        town: The map.
        answers: The answers to each way of asking, of each query.
    """

    town: Town
    answers: list[dict[str, Any]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    network = seeded_network(TINY_CONFIG, seed=7)
    network.is_trained = True
    weights, path = folder / "network.safetensors", folder / "maps" / "demo"
    save_network(network, weights)
    listing, options = read_source(SHIPPED.database), BuildOptions(batch_size=8, segment_size=34, thumbnails=False)
    build_map(listing, Encoder(network), path, options, weights_path=weights)
    add_pictures(path, listing, Encoder(network), options, prefix="again/")
    steps = ((0, 0.5), (5, 0.6), (10, 0.7), (20, 0.95))
    calibrations.give(path, calibrations.calibration(steps=steps, version="000002"))
    town = Town({}, {}, weights, path)
    with serving(ServiceSettings(maps=(path,), watch_interval_s=NONE_WATCHED)) as alone:
        alone.wait_until_ready()
        return Demo(town, answers_of(alone))


def answers_of(served: HasClient) -> list[dict[str, Any]]:
    with SHIPPED.query_list.open(encoding="utf-8", newline="") as lines:
        photos = [SHIPPED.pictures / row["path"] for row in csv.DictReader(lines)]
    return [answer_of(served, [photo], asked) for photo in photos for asked in ASKED]


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("shards", [1, 2, 3])
def test_the_demo_and_its_double_are_answered_as_by_one_machine(
    shards: int, demo: Demo, record_property: Record
) -> None:
    with ExitStack() as stack:
        urls = stack.enter_context(deployed(demo.town, shards, replicas=1))
        front = serve_front(stack, demo.town, urls, watch_interval_s=NONE_WATCHED)
        front.wait_until_ready()
        with timed(record_property, "all_queries_s"):
            answers = answers_of(front)
    assert len(answers) == 60 * len(ASKED)
    assert answers == demo.answers
    record_property("equal_answers", len(answers))
