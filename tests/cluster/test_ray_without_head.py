"""The head of a cluster dies for good, and nothing keeps its state."""

from contextlib import ExitStack
from pathlib import Path

import httpx

from placefix.exit_codes import ExitCode
from tests.child_processes import Program
from tests.cluster.front_end import GIVES_UP, NO_REPLICAS, deploy, front_end_on, room_for, variables_of
from tests.cluster.machines import started_cluster
from tests.cluster.processes import PATIENCE_S, wait_for
from tests.service.asking import check_problem
from tests.service.conftest import Town
from tests.service.sharding import photo_of


def test_front_ends_answer_until_ray_ends_them(town: Town, tmp_path: Path) -> None:
    with ExitStack() as stack:
        cluster = stack.enter_context(started_cluster(NO_REPLICAS, machines=[room_for(1)], variables={GIVES_UP: "20"}))
        deploy(town, 1, 1, tmp_path)
        front = stack.enter_context(front_end_on(cluster.machines[0].address, town, 1, tmp_path / "front-end"))
        cluster.head.kill()
        answered = 0
        try:
            while True:
                response = front.client.post("/localize", content=photo_of(town))
                if response.status_code == 200:
                    answered += 1
                else:
                    check_problem(response, 503, "shard_unavailable")
        except httpx.TransportError:
            wait_for(lambda: front.process.poll() is not None, front.log.read_text)
        assert answered > 0
        assert front.process.poll() != ExitCode.SUCCESS
        assert "GCS" in front.log.read_text()
        again = tmp_path / "again"
        with Program(
            "serve", "--map", town.map_path, output=again, environment=variables_of(1) | {GIVES_UP: "600"}
        ) as program:
            assert program.wait(PATIENCE_S) == ExitCode.ERROR, again.read_text()
        assert "no cluster of Ray can be joined" in " ".join(again.read_text().split())
