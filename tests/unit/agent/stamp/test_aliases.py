"""Which request ids are found in a line, what becomes of them, and what is none."""

from __future__ import annotations

import json

import pytest
from tests.unit.agent.stamp.stamping import GENERATED, TRACE, Stamp, stamp

from clew_agent.wire import Origin, map_alias

CHECKOUT = "checkout-7f3a"
UUID = "8b1c2d3e-0000-4000-8000-1234567890ab"

FOUND = {
    "header": (f"X-Request-ID: {CHECKOUT}", CHECKOUT),
    "header in lower case": (f"x-request-id={CHECKOUT}", CHECKOUT),
    "header in JSON": (json.dumps({"headers": {"x-request-id": CHECKOUT}}), CHECKOUT),
    "header in CGI's form": (f"HTTP_X_REQUEST_ID={CHECKOUT}", CHECKOUT),
    "header of a text layout": (f"2026-11-24 12:00:00 INFO [X-Request-ID={CHECKOUT}] Shipping - packed", CHECKOUT),
    "logfmt": (f"level=info request_id={CHECKOUT}", CHECKOUT),
    "camel case": (f'{{"requestId":"{CHECKOUT}"}}', CHECKOUT),
    "short": (f"req_id={CHECKOUT}", CHECKOUT),
    "short, camel case": (f'"reqId": "{CHECKOUT}"', CHECKOUT),
    "two words": (f"Request ID: {CHECKOUT}", CHECKOUT),
    "dotted": (f"req.id={CHECKOUT}", CHECKOUT),
    "an object by that name": (json.dumps({"req": {"id": CHECKOUT, "method": "GET"}}), CHECKOUT),
    "correlation": (f"X-Correlation-ID: {CHECKOUT}", CHECKOUT),
    "correlation, logfmt": (f"correlation_id={CHECKOUT}", CHECKOUT),
    "correlation, camel case": (f"correlationId={CHECKOUT}", CHECKOUT),
    "AWS": (f"x-amzn-RequestId: {UUID}", UUID),
    "Lambda": (f"START RequestId: {UUID} Version: $LATEST", UUID),
    "as written": ("request_id=Checkout-7F3A", "Checkout-7F3A"),
    "before punctuation": (f"failed (request_id={CHECKOUT}).", CHECKOUT),
    "at the end of a sentence": (f"failed: request_id={CHECKOUT}.", CHECKOUT),
    "base64": ("request_id=dGhpcyBpcyA1==", "dGhpcyBpcyA1=="),
    "Go's chi": ("request_id=host/AbCd-000001", "host/AbCd-000001"),
    "a ULID": ("request_id=01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    "a header's short one": ("X-Request-ID: req-42", "req-42"),
    "a long number": ("request_id=170000000001", "170000000001"),
    "behind an escaped line end": (json.dumps({"log": f"x\nrequest_id={CHECKOUT}\n"}), CHECKOUT),
}


@pytest.mark.parametrize(("line", "alias"), FOUND.values(), ids=FOUND)
def test_a_request_id_is_kept_as_written_and_mapped(line: str, alias: str) -> None:
    assert stamp(line) == Stamp(map_alias(alias), Origin.ALIAS, (alias,))


NONE = {
    "too short": "request_id=a1",
    "too few digits": "request_id=1234567",
    "no digit": "request_id=pending-approval",
    "a placeholder": "request_id=null",
    "zeros": "request_id=00000000-0000-0000-0000-000000000000",
    "empty": 'request_id=""',
    "a process's counter": 'reqId="req-1a"',
    "too short under a logger's key": "req_id=a1b2",
    "a longer word before it": "prequest_id=checkout-7f3a",
    "a longer key before it": "parent_request_id=checkout-7f3a",
    "a longer key that ends like a known one": "max_request_id=checkout-7f3a",
    "a longer key behind it": "request_identity=checkout-7f3a",
    "no separator": "request id checkout-7f3a",
    "a longer one than an id is": "request_id=" + "a1" * 100,
    "half a word": "request_id=checkout-7f3ä",
}


@pytest.mark.parametrize("line", NONE.values(), ids=NONE)
def test_what_is_no_request_id_stamps_nothing(line: str) -> None:
    assert stamp(line) == GENERATED


def test_beside_a_trace_id_the_line_unites_both_names() -> None:
    assert stamp(f"trace_id={TRACE} request_id={CHECKOUT}") == Stamp(TRACE, Origin.LINE, (CHECKOUT,))
    assert stamp(json.dumps({"trace_id": TRACE, "request_id": CHECKOUT})) == Stamp(TRACE, Origin.LINE, (CHECKOUT,))


def test_a_request_id_that_is_a_trace_id_is_that_transaction() -> None:
    assert stamp(f"request_id={TRACE}") == Stamp(TRACE, Origin.ALIAS)
    assert stamp(f"trace_id={TRACE} request_id={TRACE}") == Stamp(TRACE, Origin.LINE)
    assert stamp(f"request_id={TRACE.upper()}") == Stamp(TRACE, Origin.ALIAS, (TRACE.upper(),))


def test_the_first_of_several_names_the_transaction_and_all_are_kept() -> None:
    line = f"correlation_id=corr-0001 request_id={CHECKOUT} request_id={CHECKOUT}"
    assert stamp(line) == Stamp(map_alias("corr-0001"), Origin.ALIAS, ("corr-0001", CHECKOUT))


def test_only_the_first_few_are_kept() -> None:
    line = " ".join(f"request_id=id-{i:06}" for i in range(100))
    assert stamp(line).aliases == tuple(f"id-{i:06}" for i in range(8))


class TestNamedByTheOperator:
    @pytest.mark.parametrize(
        "line", ["order_number=A7", '{"Order_Number": "A7"}', "ORDER_NUMBER: A7", "x order_number => 'A7'"]
    )
    def test_in_any_notation_and_any_value(self, line: str) -> None:
        assert stamp(line, "order_number") == Stamp(map_alias("A7"), Origin.ALIAS, ("A7",))
        assert stamp(line) == GENERATED

    def test_only_the_whole_key(self) -> None:
        assert stamp("reorder_number=A7", "order_number") == GENERATED
        assert stamp("order_numbers=A7", "order_number") == GENERATED

    def test_a_placeholder_is_no_id(self) -> None:
        assert stamp("order_number=none", "order_number") == GENERATED

    def test_a_key_means_itself_and_is_no_pattern(self) -> None:
        assert stamp("order.no=A7", "order.no").aliases == ("A7",)
        assert stamp("orderxno=A7", "order.no") == GENERATED
