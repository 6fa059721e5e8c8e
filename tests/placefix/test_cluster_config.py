"""``placefix cluster config`` prints a configuration that Ray Serve takes."""

from pathlib import Path

import yaml

from tests.commands import RunCommand
from tests.service.conftest import Town


def test_the_configuration_has_an_application_for_each_shard(command: RunCommand, tmp_path: Path) -> None:
    missing = tmp_path / "maps" / "town"  # as on a machine that has no map
    done = command("cluster", "config", "--map", str(missing), "--shards", "2", "--replicas", "3", "--name", "town")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "# Front ends: PLACEFIX_SHARDS=ray:town-1,ray:town-2"
    config = yaml.safe_load(done.stdout)
    assert config["proxy_location"] == "Disabled"
    assert [each["name"] for each in config["applications"]] == ["town-1", "town-2"]
    second = config["applications"][1]
    assert (second["route_prefix"], second["import_path"]) == (None, "service.ray_shards:build_app")
    assert second["args"] == {"maps": [str(missing)], "shard": "2/2"}
    [deployment] = second["deployments"]
    assert (deployment["name"], deployment["num_replicas"]) == ("shard", 3)
    assert deployment["ray_actor_options"] == {"num_cpus": 1.0}


def test_replicas_are_pinned_to_machines_with_their_files(command: RunCommand) -> None:
    done = command("cluster", "config", "--map", "/maps/town", "--shards", "2", "--pinned", "--cpus", "8")
    options = [each["deployments"][0]["ray_actor_options"] for each in yaml.safe_load(done.stdout)["applications"]]
    assert options == [{"num_cpus": 8.0, "resources": {f"shard-{number}": 1}} for number in (1, 2)]


def test_what_cannot_be_served_is_refused(command: RunCommand, town: Town) -> None:
    few = command("cluster", "config", "--map", str(town.map_path), "--shards", "4")
    assert few.returncode != 0
    assert "3 segments cannot be shared out among 4 shards" in " ".join(few.stderr.split())
    wrong = command("cluster", "config", "--map", "/maps/town", "--shards", "2", "--name", "a/b")
    assert wrong.returncode != 0
    assert "--name a/b may have" in " ".join(wrong.stderr.split())
