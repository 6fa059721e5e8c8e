"""Prints what the project needs, one requirement a line, so that an image can install it before it copies the code.

Usage: python docker/requirements.py EXTRA < pyproject.toml
"""

import sys
import tomllib


def requirements(pyproject: str, extra: str) -> list[str]:
    """The dependencies of the project and of one of its extras.

    Raises:
        SystemExit: The project has no such extra.
    """
    project = tomllib.loads(pyproject)["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    if extra not in extras:
        raise SystemExit(
            f"there is no extra {extra!r}; choose one of {', '.join(sorted(extras))} (build argument EXTRA)"
        )
    return [*project["dependencies"], *extras[extra]]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python docker/requirements.py EXTRA < pyproject.toml")
    sys.stdout.write("\n".join(requirements(sys.stdin.read(), sys.argv[1])) + "\n")
