"""Each fast module names its reference and a test that compares them, and the test exists."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
# Modules without numbers of their own: the recording of the whole network, and the target of layers.
WITHOUT_NUMBERS = {"__init__.py", "cuda_graph.py", "target.py"}
FAST = [
    *sorted(path for path in (REPOSITORY / "model/frozen").glob("*.py") if path.name not in WITHOUT_NUMBERS),
    *(REPOSITORY / "model" / name for name in ("cpu_matching.py", "gpu_matching.py", "training/batched_local_loss.py")),
]


@pytest.mark.parametrize("path", FAST, ids=lambda path: path.stem)
def test_what_is_fast_names_its_reference_and_the_test(path: Path) -> None:
    told = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    assert "compares" in told
    named = re.findall(r"``(tests/[\w/]+\.py)(?:::(\w+))?``", told)
    assert named
    for file, test in named:
        assert f"def {test or 'test_'}" in (REPOSITORY / file).read_text("utf-8")
