"""The containers can do their work and nothing else; each is looked at from inside while it runs."""

import pytest

from tests.docker.composed import Composed, check_found, succeed
from tests.docker.rights import IN_MEMORY, RIGHTS, WRITE, check_rights, written

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    ("name", "program", "writable"), [("localizer", "placefix", IN_MEMORY), ("prometheus", "prometheus", "/prometheus")]
)
def test_server_writes_only_where_it_must_and_has_no_rights(
    name: str, program: str, writable: str, composed: Composed
) -> None:
    rights = composed.execute(name, "sh", "-c", RIGHTS)
    assert f"Name:\t{program}\n" in rights
    check_rights(rights)
    assert written(composed.execute(name, "sh", "-c", WRITE)) == [writable]
    assert "Read-only file system" in composed.execute(name, "sh", "-c", "touch /x 2>&1; true")


@pytest.mark.parametrize("name", ["prepare", "placefix"])
def test_tool_writes_only_where_it_must_and_has_no_rights(name: str, composed: Composed) -> None:
    script = f"{RIGHTS}; {WRITE}"
    printed = composed.run("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", name, "-c", script)
    check_rights(printed)
    assert written(printed) == ["/data", IN_MEMORY]


def test_compiled_kernel_needs_no_file(composed: Composed) -> None:
    check_found(composed.localize())
    # Code from LLVM counts matches on processors with one of the instruction sets for which it is made.
    (device,) = composed.query("placefix_device_info")
    flags = composed.execute("localizer", "cat", "/proc/cpuinfo").split()
    assert device["metric"]["matcher"].startswith(("amx", "avx")) == ("avx2" in flags)
    assert composed.execute("localizer", "find", IN_MEMORY, "-type", "f") == ""


def test_nothing_lies_in_the_file_system_of_a_container_but_what_was_mounted(composed: Composed) -> None:
    for name in ("prepare", "localizer", "prometheus"):
        container = composed.inspect(name)
        mounted = {mount["Destination"] for mount in container["Mounts"]}
        added = [line for line in succeed("docker", "diff", container["Id"]).splitlines() if line.startswith("A ")]
        assert {line.removeprefix("A ") for line in added} <= mounted | {"/usr/sbin/docker-init", "/sbin/docker-init"}
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert host["Privileged"] is False
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
