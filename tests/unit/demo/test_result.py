from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clew_query.demo.result import DemoResult, ServiceAccount, count_lines

GOOD = DemoResult(
    url="http://127.0.0.1:1", directory="/d", seconds=1.0, requests=100, failed=15,
    services=(ServiceAccount("gateway", "edge-1", 200, 200), ServiceAccount("payments", "bank-1", 300, 300)),
    audit_clean=True, failed_request="req-1", alert={"rule": "r"},
    transaction={"invocations": [{"service": "gateway"}, {"service": "payments"}]},
)  # fmt: skip


def test_when_all_is_as_promised_there_is_no_problem() -> None:
    assert (GOOD.problems, GOOD.written, GOOD.stored) == ((), 500, 500)
    assert GOOD.to_json()["lines_stored"] == 500


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"services": (ServiceAccount("gateway", "edge-1", 200, 199),)}, "200 lines were written and 199 are stored."),
        ({"services": (ServiceAccount("gateway", "edge-1", 0, 0),)}, "0 lines were written and 0 are stored."),
        # One line too many here and one too few there do not make up for each other.
        (
            {"services": (ServiceAccount("a", "h", 10, 11), ServiceAccount("b", "h", 10, 9))},
            "20 lines were written and 20 are stored.",
        ),
        ({"audit_clean": False}, "The audit found bytes that are missing or doubled."),
        ({"alert": None}, "No alert fired on the failing service."),
        (
            {"transaction": {"invocations": [{"service": "gateway"}]}},
            "The failed request's path does not reach payments: ['gateway'].",
        ),
    ],
)
def test_what_is_not_as_promised_is_said(change: dict[str, Any], problem: str) -> None:
    assert replace(GOOD, **change).problems == (problem,)


def test_lines_are_counted_by_their_ends(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"one\ntwo\n\nhalf")

    assert count_lines(log) == 3
