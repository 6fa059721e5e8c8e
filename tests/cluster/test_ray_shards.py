"""A front end asks shards in Ray Serve: its answers are the same as from one machine, even if processes are killed."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from index_builder.changes.prune import prune_versions
from place_map.errors import MapBusy
from place_map.versions import existing_versions
from tests.cluster.processes import below, wait_for
from tests.cluster.shards import NONE_WATCHED, ask_more, check_as_alone, deployed, replicas_in_metrics, replicas_of
from tests.figures import Record, record_queries, timed
from tests.service.asking import check_problem
from tests.service.conftest import Served, Town
from tests.service.map_versions import asking_all_the_time, contents, copy_town, served_version
from tests.service.sharding import activate, check_nothing_lost, photo_of, serve_front

CLIENTS = 4
LEAST_QUERIES = 400  # that clients ask while a replica of two dies


def test_one_replica_answers_as_one_machine_and_is_missed_until_it_is_back(
    town: Town, alone: Served, cluster: int, record_property: Record
) -> None:
    """No query gets a part of an answer, and none waits for Serve: it is answered whole, or refused."""
    with ExitStack() as stack:
        front = serve_front(stack, town, stack.enter_context(deployed(town, 1, replicas=1)))
        front.wait_until_ready()
        check_as_alone(front, alone, town)
        [replica] = replicas_of(cluster, 1)
        with asking_all_the_time(front.url, photo_of(town), clients=1) as asked:
            ask_more(asked, 10)
            with timed(record_property, "answers_again_s"):
                with timed(record_property, "refused_after_s"):
                    os.kill(replica, signal.SIGKILL)
                    wait_for(lambda: asked.failures)
                wait_for(lambda: front.client.get("/health/ready").status_code == 503)
                refused = front.client.post("/localize", content=photo_of(town))
                problem = check_problem(refused, 503, "shard_unavailable")
                assert "shard 1/1 has no replica that answers" in problem["detail"]
                assert int(refused.headers["Retry-After"]) > 0
                assert replicas_in_metrics(front) == [0]
                wait_for(lambda: front.client.get("/health/ready").status_code == 200)
            ask_more(asked, 10)
        record_queries(record_property, asked.times_s, len(asked.failures))
        assert all(each.startswith("503 ") and '"shard_unavailable"' in each for each in asked.failures)
        assert asked.answers == {"000001": {frozenset(contents(town)["000001"])}}
        check_as_alone(front, alone, town)
        assert replicas_in_metrics(front) == [1]


@pytest.mark.usefixtures("cluster")
def test_a_map_is_shared_out_among_more_shards_and_answers_as_one_machine(
    town: Town, alone: Served, record_property: Record
) -> None:
    with ExitStack() as stack:
        urls = stack.enter_context(deployed(town, 3, replicas=1))
        front = serve_front(stack, town, urls, shard_count=2, watch_interval_s=NONE_WATCHED)
        front.wait_until_ready()
        check_as_alone(front, alone, town)
        with asking_all_the_time(front.url, photo_of(town)) as asked:
            for shards in (3, 2, 3):
                ask_more(asked, 3)
                assert activate(front, "1", shards=shards)[0] == 200
                ask_more(asked, 3)
        record_queries(record_property, asked.times_s, len(asked.failures))
        check_nothing_lost(asked, town, "000001")
        check_as_alone(front, alone, town)


@pytest.fixture(scope="module")
def own_town(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Copy the town, since a test prunes a version."""
    return copy_town(town, tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def pair(own_town: Town, cluster: int) -> Iterator[Served]:  # noqa: ARG001  (it is started before)
    """Serve two shards with two replicas each."""
    with ExitStack() as stack:
        urls = stack.enter_context(deployed(own_town, 2, replicas=2))
        front = serve_front(stack, own_town, urls, watch_interval_s=NONE_WATCHED)
        front.wait_until_ready()
        yield front


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_replica_that_dies_or_hangs_costs_no_query(
    number: signal.Signals, pair: Served, town: Town, alone: Served, cluster: int, record_property: Record
) -> None:
    wait_for(lambda: replicas_in_metrics(pair) == [2, 2])
    with asking_all_the_time(pair.url, photo_of(town), CLIENTS) as asked:
        ask_more(asked, 10)
        victim = replicas_of(cluster, 2)[0]
        with timed(record_property, "replicas_again_s"):
            os.kill(victim, number)
            wait_for(lambda: replicas_in_metrics(pair) == [2, 1], lambda: asked.failures)
            wait_for(lambda: victim not in below(cluster), lambda: asked.failures)
            wait_for(lambda: replicas_in_metrics(pair) == [2, 2], lambda: asked.failures)
        ask_more(asked, max(10, LEAST_QUERIES - asked.count))
    record_queries(record_property, asked.times_s, len(asked.failures))
    check_nothing_lost(asked, town, served_version(pair))
    check_as_alone(pair, alone, town)


def is_pruned(town: Town, version: str) -> bool:
    """Remove a version unless it is still being read; return whether it is gone."""
    try:
        prune_versions(town.map_path, versions=(version,))
    except MapBusy:
        return False
    return True


def test_a_version_is_activated_and_rolled_back_under_load_and_can_be_pruned(
    pair: Served, own_town: Town, record_property: Record
) -> None:
    wait_for(lambda: replicas_in_metrics(pair) == [2, 2])
    with asking_all_the_time(pair.url, photo_of(own_town)) as asked:
        ask_more(asked, 5)
        for version in ("000002", "000001"):
            status, told = activate(pair, version)
            assert (status, served_version(pair)) == (200, version), told
            ask_more(asked, 10)
    record_queries(record_property, asked.times_s, len(asked.failures))
    check_nothing_lost(asked, own_town, "000001", "000002")
    wait_for(lambda: is_pruned(own_town, "000002"))
    assert existing_versions(own_town.map_path) == ["000001"]
