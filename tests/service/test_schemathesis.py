"""The running service against its own OpenAPI document, with requests that schemathesis makes up."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from service.key_file import append_key
from service.keys import Scope, make_key
from service.settings import ServiceSettings
from tests.examples import counted, examples
from tests.service.conftest import Served, Town, serving
from tests.service.pictures import AVIF, JPEG, PNG, WEBP, broken_pictures

EXAMPLES = examples(few=8, many=60)  # for each of the fourteen operations

# The bytes in a field of type "binary" decide whether a request is good, and no schema can say that: a body of
# random bytes is valid by the document, and refused with 415.
EXCLUDED_CHECKS = ("positive_data_acceptance",)

load_all_checks()
schemathesis.openapi.media_type(
    "application/octet-stream",
    st.sampled_from([JPEG, PNG, WEBP, AVIF]) | st.sampled_from([content for _, _, content, _, _ in broken_pictures()]),
)


@pytest.fixture(scope="module")
def village_server(village: Town) -> Iterator[Served]:
    with serving(ServiceSettings(maps=(village.map_path,))) as served:
        served.wait_until_ready()
        yield served


@counted
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_the_service_does_what_its_document_says(mode: schemathesis.GenerationMode, village_server: Served) -> None:
    schema = schemathesis.openapi.from_url(f"{village_server.client.base_url}/openapi.json")
    excluded: list[Any] = [CHECKS.get_one(name) for name in EXCLUDED_CHECKS]
    asked: Counter[str] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            ask(strategy, excluded, asked)
        except Unsatisfiable:  # only routes with parameters or a document can be asked wrongly
            assert mode is schemathesis.GenerationMode.NEGATIVE
    assert asked["POST /localize"] >= EXAMPLES
    assert len(asked) == (14 if mode is schemathesis.GenerationMode.POSITIVE else 4)
    assert village_server.client.get("/health/ready").status_code == 200


@counted
def test_what_the_document_says_of_keys_is_so(village: Town, tmp_path: Path) -> None:
    """One of the checks asks again without the key, and with a wrong one."""
    path = tmp_path / "keys.txt"
    key, line = make_key("all", list(Scope))
    append_key(path, "all", line)
    asked: Counter[str] = Counter()
    with serving(ServiceSettings(maps=(village.map_path,), keys=path)) as served:
        served.wait_until_ready()
        schema = schemathesis.openapi.from_url(f"{served.client.base_url}/openapi.json")
        excluded: list[Any] = [CHECKS.get_one(name) for name in EXCLUDED_CHECKS]
        for found in schema.get_all_operations():
            assert isinstance(found, Ok), found
            strategy = found.ok().as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
            ask(strategy, excluded, asked, headers={"Authorization": f"Bearer {key}"})
        refused = served.client.get("/metrics", headers={"X-API-Key": key}).text
    assert len(asked) == 14
    for code in ("key_missing", "key_unknown"):
        (count,) = re.findall(rf'placefix_rejected_total{{reason="{code}"}} ([0-9.]+)', refused)
        assert float(count) >= 1


def ask(
    strategy: st.SearchStrategy[schemathesis.Case[Any]],
    excluded: list[Any],
    asked: Counter[str],
    headers: dict[str, str] | None = None,
) -> None:
    @given(case=strategy)
    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(excluded_checks=excluded, timeout=60, headers=headers)
        asked[case.operation.label] += 1

    check()
