"""The API keeps to its OpenAPI document, whatever it is asked (schemathesis)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from house import House
from hypothesis import HealthCheck, Phase, settings
from served import serving

from turnwise.view.server.openapi import document

schemathesis = pytest.importorskip(
    "schemathesis", reason="schemathesis is not installed; get it by: pip install schemathesis"
)
schema = schemathesis.openapi.from_dict(document())
_STREAMS = ("/api/events",)
"""These never end."""


@pytest.fixture(scope="module")
def address(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of a copy of the store, which is written to."""
    place = tmp_path_factory.mktemp("api") / "copy.db"
    for file in house.place.parent.glob(f"{house.place.name}*"):
        shutil.copy(file, place.with_name(file.name.replace(house.place.name, place.name)))
    with serving(place) as client:
        yield f"http://127.0.0.1:{client.port}"


def _known(house: House, case: Any) -> None:
    """Things that are there in the place of half of the names, so that more than refusals are seen."""
    path = case.path_parameters or {}
    for name, value in (
        ("run", house.desk),
        ("number", 0),
        ("turn", 2),
        ("role", "clerk"),
        ("environment", "maze"),
    ):
        if name in path and len(str(case.query)) % 3:
            path[name] = value


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_promises(case: Any, address: str, house: House) -> None:
    if case.path in _STREAMS:
        return
    _known(house, case)
    # Whether an id, a target or a text means something is beyond a schema.
    beyond = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]
    case.call_and_validate(base_url=address, timeout=20, excluded_checks=beyond)
