"""docs/openapi.json says what the routes say, and every route and parameter says what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conftest import ROOT

from clew_query.description import openapi_text

DOCUMENT: dict[str, Any] = json.loads(openapi_text())
OPERATIONS = [
    (f"{method} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def test_the_file_is_up_to_date() -> None:
    written = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert written == openapi_text(), "the API changed: run `make openapi` and commit docs/openapi.json"


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
class TestRoutes:
    def test_say_what_they_do(self, name: str, operation: dict[str, Any]) -> None:
        assert " " in operation["summary"], name

    def test_say_what_each_parameter_is(self, name: str, operation: dict[str, Any]) -> None:
        silent = [
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if not (parameter.get("description") or parameter["schema"].get("description"))
        ]
        assert silent == []

    def test_promise_no_answer_that_is_not_given(self, name: str, operation: dict[str, Any]) -> None:
        assert "422" not in operation["responses"]


@pytest.mark.parametrize(
    "path",
    ["/api/v1/events", "/api/v1/events/histogram", "/api/v1/events/facets", "/api/v1/events/{event_id}/surrounding",
     "/api/v1/events/stream", "/api/v1/transactions", "/api/v1/services", "/api/v1/agents", "/api/v1/alerts",
     "/api/v1/rules", "/v1/logs", "/v1/traces", "/ingest/v1/chunks", "/healthz", "/readyz", "/metrics"],
)  # fmt: skip
def test_the_surface_that_others_build_on_is_there(path: str) -> None:
    assert path in DOCUMENT["paths"]
