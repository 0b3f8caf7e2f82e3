"""What becomes of each item of a bulk request, whatever was answered: one table of cases."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from clew_collector.store.elasticsearch.request import all_created
from clew_collector.store.elasticsearch.verdict import Answer, Decision, Fate, Judged, judge, judge_item, reason_of

IDS = ["a" * 32, "b" * 32, "c" * 32]


def item(event_id: str, status: int, kind: str = "", reason: str = "", **error: Any) -> dict[str, Any]:
    result: dict[str, Any] = {"_index": "clew-events-2026.11.24", "_id": event_id, "status": status}
    if kind:
        result["error"] = {"type": kind, "reason": reason, **error}
    return {"create": result}


def answer(*items: dict[str, Any]) -> bytes:
    return json.dumps({"took": 3, "errors": True, "items": items}).encode()


def failure(kind: str, reason: str) -> bytes:
    return json.dumps({"error": {"type": kind, "reason": reason, "root_cause": []}, "status": 400}).encode()


ITEMS = {
    "created": (201, "", Fate.CREATED),
    "created, as some proxies say": (200, "", Fate.CREATED),
    "already there": (409, "version_conflict_engine_exception", Fate.DUPLICATE),
    "no room in the queue": (429, "es_rejected_execution_exception", Fate.AGAIN),
    "flood stage": (429, "cluster_block_exception", Fate.AGAIN),
    "read-only": (403, "cluster_block_exception", Fate.AGAIN),
    "not allowed": (403, "security_exception", Fate.AGAIN),
    "no shard yet": (503, "unavailable_shards_exception", Fate.AGAIN),
    "defect": (500, "null_pointer_exception", Fate.AGAIN),
    "timed out": (408, "timeout", Fate.AGAIN),
    "no such index": (404, "index_not_found_exception", Fate.NO_INDEX),
    "a shard gone": (404, "shard_not_found_exception", Fate.AGAIN),
    "cannot be parsed": (400, "document_parsing_exception", Fate.REJECTED),
    "a mapping of somebody else": (400, "strict_dynamic_mapping_exception", Fate.REJECTED),
    "a term too long": (400, "illegal_argument_exception", Fate.REJECTED),
    "too many shards is no document's fault": (400, "validation_exception", Fate.AGAIN),
    "too large alone": (413, "circuit_breaking_exception", Fate.REJECTED),
    "a status of no meaning": (999, "", Fate.AGAIN),
}


@pytest.mark.parametrize(("status", "kind", "fate"), ITEMS.values(), ids=list(ITEMS))
def test_an_item_is_judged_by_its_own_status(status: int, kind: str, fate: Fate) -> None:
    assert judge_item(status, kind, "because").fate is fate
    whole = judge(200, answer(item(IDS[0], 201), item(IDS[1], status, kind, "because"), item(IDS[2], 409)), IDS)
    assert whole.decision is Decision.ITEMS
    assert [one.fate for one in whole.items] == [Fate.CREATED, fate, Fate.DUPLICATE]


WHOLE = {
    "no answer": (None, b"", Decision.AGAIN),
    "cut": (200, answer(*(item(one, 201) for one in IDS))[:-9], Decision.HALVE),
    "empty": (200, b"", Decision.HALVE),
    "no JSON": (200, b"<html>Welcome</html>", Decision.HALVE),
    "not UTF-8": (200, b"\xff\xfe", Decision.HALVE),
    "one item short": (200, answer(item(IDS[0], 201), item(IDS[1], 201)), Decision.HALVE),
    "of other ids": (200, answer(*(item("d" * 32, 201) for _ in IDS)), Decision.HALVE),
    "in another order": (200, answer(*(item(one, 201) for one in IDS[::-1])), Decision.HALVE),
    "of another action": (200, json.dumps({"items": [{"index": {"_id": one, "status": 200}} for one in IDS]}).encode(),
                          Decision.HALVE),
    "without a status": (200, json.dumps({"items": [{"create": {"_id": one}} for one in IDS]}).encode(),
                         Decision.HALVE),
    "too large": (413, b"Request Entity Too Large", Decision.HALVE),
    "not understood": (400, failure("illegal_argument_exception", "Malformed action/metadata line [3]"),
                       Decision.HALVE),
    "busy": (429, failure("es_rejected_execution_exception", "queue"), Decision.AGAIN),
    "unavailable": (503, b"", Decision.AGAIN),
    "bad gateway": (502, b"<html>", Decision.AGAIN),
    "defect": (500, failure("null_pointer_exception", ""), Decision.AGAIN),
    "timed out": (408, b"", Decision.AGAIN),
    "no index, all of them": (404, failure("index_not_found_exception", "no such index"), Decision.ITEMS),
    "not known": (401, failure("security_exception", "missing authentication"), Decision.FAIL),
    "not allowed": (403, failure("security_exception", "action is unauthorized"), Decision.FAIL),
    "moved": (301, b"", Decision.FAIL),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body", "decision"), WHOLE.values(), ids=list(WHOLE))
def test_a_request_is_judged_as_a_whole_where_it_failed_as_one(
    status: int | None, body: bytes, decision: Decision
) -> None:
    assert judge(status, body, IDS).decision is decision


ALONE = {
    "cut": (200, b'{"items":[', Decision.AGAIN, None),
    "too large": (413, b"", Decision.ITEMS, Fate.REJECTED),
    "refused by Elasticsearch": (400, failure("parse_exception", "no"), Decision.ITEMS, Fate.REJECTED),
    "refused by something on the way": (400, b"The plain HTTP request was sent to HTTPS port", Decision.FAIL, None),
    "no index": (404, failure("index_not_found_exception", "no such index"), Decision.ITEMS, Fate.NO_INDEX),
}


@pytest.mark.parametrize(("status", "body", "decision", "fate"), ALONE.values(), ids=list(ALONE))
def test_what_cannot_be_halved_is_judged_alone(status: int, body: bytes, decision: Decision, fate: Fate | None) -> None:
    found = judge(status, body, IDS[:1])
    assert found.decision is decision
    assert [one.fate for one in found.items] == ([] if fate is None else [fate])


def test_a_rejection_says_why_to_the_root() -> None:
    body = answer(
        item(IDS[0], 400, "document_parsing_exception", "failed to parse", caused_by={"type": "x", "reason": "no date"})
    )
    assert judge(200, body, IDS[:1]) == Answer(
        Decision.ITEMS, (Judged(Fate.REJECTED, "document_parsing_exception: failed to parse; no date"),)
    )


def test_reasons_are_bounded_and_never_fail() -> None:
    assert len(judge_item(400, "kind", "x" * 100_000).reason) <= 1000
    assert reason_of(b"\xff") != ""
    assert reason_of(b'{"error": "Incorrect HTTP method"}') == "Incorrect HTTP method"
    assert reason_of(b"") == "no reason given"


def test_the_answer_that_all_were_created_is_known_beforehand() -> None:
    """Nearly every answer is this one; compared, it says the same as decoded."""
    body = msgspec.json.encode({"errors": False, "items": [{"create": {"_id": one, "status": 201}} for one in IDS]})
    assert body == all_created(IDS)
    assert (
        judge(200, body, IDS)
        == judge(200, body + b" ", IDS)
        == Answer(Decision.ITEMS, tuple(Judged(Fate.CREATED) for _ in IDS))
    )
    assert judge(200, body, IDS[::-1]).decision is Decision.HALVE
