"""Which events a store takes, and as what."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from clew_collector.event import Event
from clew_collector.store.admission import INT64_MAX, INT64_MIN, OFFSET_MAX, admit

PLAIN = Event(
    event_id="ab" * 16,
    timestamp=5,
    observed_timestamp=6,
    service="orders",
    host="alpha",
    source="/f",
    offset=0,
    length=1,
    transaction_id="ab" * 16,
    transaction_origin="generated",
    body="größer",
    attributes={"a": 1, "b": 1.5, "c": True, "d": None, "e": "é"},
)


def test_an_event_with_nothing_wrong_is_taken_as_it_is() -> None:
    assert admit(PLAIN) is PLAIN


@pytest.mark.parametrize(
    "changes",
    [
        {"event_id": ""},
        {"event_id": "ab" * 15},
        {"event_id": "AB" * 16},
        {"event_id": "ab" * 16 + "\n"},
        {"offset": -1},
        {"offset": OFFSET_MAX + 1},
        {"length": -1},
        {"length": INT64_MAX + 1},
    ],
)
def test_an_event_without_a_place_is_not_taken(changes: dict[str, Any]) -> None:
    assert admit(msgspec.structs.replace(PLAIN, **changes)) is None


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("timestamp", INT64_MAX, INT64_MAX),
        ("timestamp", INT64_MAX + 1, None),
        ("timestamp", INT64_MIN - 1, None),
        ("observed_timestamp", INT64_MAX + 1, INT64_MAX),
        ("observed_timestamp", INT64_MIN - 1, INT64_MIN),
        ("severity_number", 24, 24),
        ("severity_number", 25, 0),
        ("severity_number", -1, 0),
        ("body", "a\ud800b", "a\ufffdb"),
        ("service", "\udfff", "\ufffd"),
        ("aliases", ("a", "\ud800"), ("a", "\ufffd")),
        ("attributes", {"\ud800": "\ud800"}, {"\ufffd": "\ufffd"}),
        ("attributes", {"i": INT64_MAX, "j": INT64_MAX + 1}, {"i": INT64_MAX, "j": str(INT64_MAX + 1)}),
        ("attributes", {"i": 16**5_000}, {"i": "0x1" + "0" * 5_000}),
        ("attributes", {"list": [1, "a"], "map": {"a": None}}, {"list": '[1,"a"]', "map": '{"a":null}'}),
        ("attributes", {"set": {1}, "object": int}, {"set": "[1]", "object": "(type)"}),
    ],
)
def test_hostile_values_become_what_can_be_kept(name: str, value: Any, taken: Any) -> None:
    admitted = admit(msgspec.structs.replace(PLAIN, **{name: value}))
    assert admitted is not None
    assert getattr(admitted, name) == taken
    assert admit(admitted) is admitted
