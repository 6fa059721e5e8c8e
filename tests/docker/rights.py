"""The rights of processes inside a container, found by a shell there."""

import re

# The states of all processes: the server's among them, not the shell's alone.
RIGHTS = "cat /proc/[0-9]*/status"
IN_MEMORY = "/tmp"  # noqa: S108 - of a container, where it is a tmpfs
PLACES = (
    "/",
    "/etc",
    "/usr",
    "/var",
    "/opt",
    "/data",
    "/prometheus",
    "/var/lib/grafana",
    "/var/log/grafana",
    IN_MEMORY,
)
# Names each place that can be written to.
WRITE = f"for place in {' '.join(PLACES)}; do (touch $place/x && echo $place && rm $place/x) 2>/dev/null; done; true"


def check_rights(printed: str) -> None:
    """Pass if the output of ``RIGHTS`` shows no process with rights."""
    statuses = re.findall(r"^(Uid|Cap\w+|NoNewPrivs|Seccomp):\t(.+)$", printed, re.MULTILINE)
    assert {name for name, _ in statuses} >= {"Uid", "CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp"}
    for name, value in statuses:
        if name == "Uid":
            assert "0" not in value.split()
        elif name.startswith("Cap"):
            assert int(value, 16) == 0
        elif name == "NoNewPrivs":
            assert value == "1"
        else:
            assert value == "2"  # system calls are filtered


def written(printed: str) -> list[str]:
    """Return the places that ``WRITE`` found."""
    return [line for line in printed.splitlines() if line in PLACES]
