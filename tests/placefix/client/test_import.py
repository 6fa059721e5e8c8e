"""``import placefix`` and the client load neither torch nor what serves."""

import json
import subprocess
import sys
from typing import get_args, get_type_hints

import pytest

import placefix
from placefix import Client, Localizer, Question
from service.routes.localize_parameters import LocalizeParameters

HEAVY = ("torch", "numpy", "PIL", "pyarrow", "fastapi", "starlette", "pydantic_settings", "faiss")


def loaded_by(code: str) -> set[str]:
    """Run code in a process of its own, and return which heavy packages it has loaded."""
    program = f"import sys, json\n{code}\nprint(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "code",
    [
        "import placefix",
        "from placefix import AsyncClient, Client, LocalizationAnswer, Question, ServerProblem\n"
        "Client('http://localhost:8000').close()",
        "from placefix import ImageError, PlacefixError",
    ],
    ids=["import", "client", "errors"],
)
def test_a_client_loads_no_torch(code: str) -> None:
    assert loaded_by(code) == set()


def test_a_localizer_loads_what_it_needs() -> None:
    assert "torch" in loaded_by("from placefix import Localizer")


def test_every_name_of_the_api_is_there() -> None:
    for name in placefix.__all__:
        assert getattr(placefix, name) is not None
    assert set(placefix.__all__) <= set(dir(placefix))
    assert Client.__name__ == "Client"
    assert Localizer.__name__ == "Localizer"
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = placefix.Nothing


def test_a_question_says_all_that_a_request_can_say() -> None:
    assert set(Question.__annotations__) == set(LocalizeParameters.model_fields) - {"map"}
    for name, hint in get_type_hints(Question).items():
        assert type(None) in get_args(hint), name
