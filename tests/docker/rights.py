"""What may be done inside a container, asked in a shell there."""

import re

# Of every process, the server's among them, not of the shell's alone.
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
    """Passes if no process has any, by what ``RIGHTS`` prints."""
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
    """The places that ``WRITE`` found."""
    return [line for line in printed.splitlines() if line in PLACES]
