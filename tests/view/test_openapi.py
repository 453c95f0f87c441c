"""The API's document is made from the code, and the page's copy of it is up to date."""

from __future__ import annotations

import json
from pathlib import Path

import turnwise
from turnwise.view.server.endpoints import ENDPOINTS
from turnwise.view.server.openapi import document, text

WEB = Path(turnwise.__file__).parent / "view" / "web"


def test_the_pages_copy_is_what_the_code_says() -> None:
    assert (WEB / "openapi.json").read_text() == text(), (
        "python -m turnwise.view.server.openapi > …/openapi.json"
    )


def test_every_reference_leads_somewhere_and_every_endpoint_is_there() -> None:
    made = document()
    schemas = made["components"]["schemas"]
    written = json.dumps(made)
    for part in written.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in schemas
    assert {(method.upper(), path) for path, methods in made["paths"].items() for method in methods} == {
        (endpoint.method, f"/api{endpoint.path}") for endpoint in ENDPOINTS
    }


def test_a_reply_promises_all_its_fields_and_a_request_only_what_it_needs() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["RunLine"]["required"] == list(schemas["RunLine"]["properties"])
    assert schemas["ForkAsk"]["required"] == ["episode", "at"]
    assert schemas["ForkAsk"]["additionalProperties"] is False
    assert schemas["RunLine"]["properties"]["output"] == {"type": "integer"}
    assert schemas["RunLine"]["properties"]["planned"]["description"] == "Episodes it shall have."
