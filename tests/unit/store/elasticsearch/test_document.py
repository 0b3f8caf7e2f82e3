"""Documents: what an event becomes, and that it comes back as it was."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew_collector.event import Event, Link
from clew_collector.store.admission import admit
from clew_collector.store.elasticsearch.document import Document, decode
from clew_collector.store.elasticsearch.encoding import encode
from clew_collector.store.elasticsearch.names import Names
from clew_collector.store.elasticsearch.template import FIELDS_MAX, events_template

ID = "ab" * 10 + f"{4711:012x}"
PLAIN: dict[str, Any] = {
    "event_id": ID, "timestamp": 1_795_478_400_123_456_789, "observed_timestamp": 1, "service": "orders", "host": "h",
    "source": "/x", "offset": 4711, "length": 10, "transaction_id": ID, "transaction_origin": "generated",
    "body": "Payment FAILED", "original": b'{"a": 1}',
}  # fmt: skip


def back(event: Event) -> Event:
    document = encode(event)
    assert b"\n" not in document, "one line, or the bulk request has another item"
    return decode(event.event_id, msgspec.json.decode(document, type=Document))


def fields(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(encode(Event(**(PLAIN | changes))))
    return found


EVENTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "without a time": {"timestamp": None},
    "stamped": {"transaction_id": "0af7", "transaction_origin": "line", "aliases": ("a", "b")},
    "an empty alias": {"aliases": ("", "a")},
    "span": {"duration": 0, "kind": "server", "status": "error", "links": (Link("t", "s"), Link("", ""))},
    "typed attributes": {"attributes": {"i": 2**60 + 1, "f": 2.0, "b": True, "n": None, "s": "x", "z": -0.0, "e": ""}},
    "numbers that JSON has not": {"attributes": {"nan": math.nan, "inf": math.inf, "fine": 1}},
    "odd keys": {"attributes": {"": 1, "\0": "x", "k" * 5000: "v", ".": 2, "a..b": 3, "*": 4, " ": 5}},
    "not UTF-8": {"original": b"\xff\x00\n"},
    "long keyword": {"service": "s" * 5000},
    "long transaction id": {"transaction_id": "t" * 5000, "transaction_origin": "alias"},
    "long tokens": {"body": "word " + "x" * 5000, "attributes": {"k": "y" * 300}},
    "lines in a body": {"body": "a\nb\r\u2028c"},
}


@pytest.mark.parametrize("changes", EVENTS.values(), ids=list(EVENTS))
def test_an_event_comes_back_whole(changes: dict[str, Any]) -> None:
    event = Event(**(PLAIN | changes))
    # Encoded, as what is not a number is not equal to itself.
    assert msgspec.msgpack.encode(back(event)) == msgspec.msgpack.encode(event)


@given(
    st.dictionaries(
        st.text(max_size=5), st.one_of(st.text(max_size=5), st.integers(), st.floats(), st.booleans(), st.none())
    ),
    st.binary(max_size=20),
    st.text(max_size=20),
)
def test_any_event_comes_back_whole(attributes: dict[str, Any], original: bytes, text: str) -> None:
    event = admit(Event(**(PLAIN | {"attributes": attributes, "original": original, "body": text, "service": text})))
    assert event is not None
    assert msgspec.msgpack.encode(back(event)) == msgspec.msgpack.encode(event)


def test_people_can_read_it() -> None:
    found = fields(attributes={"http.status": 502, "user": "Ann"})
    assert found["original"] == '{"a": 1}'
    assert found["attributes"] == {"http.status": 502, "user": "Ann"}
    assert found["numbers"] == {"http.status": 502.0}
    assert found["words"] == "payment failed"
    assert found["@timestamp"] == 1_795_478_400_123
    assert "event" not in found


def test_the_whole_event_stands_beside_only_where_fields_cannot_say_it() -> None:
    assert "event" in fields(attributes={"nan": math.nan})
    assert "event" in fields(service="s" * 5000)
    assert "event" not in fields(attributes={"k": "v" * 100_000})


def test_keys_that_no_field_can_have_make_none() -> None:
    assert fields(attributes={".": 1, "a..b": 2, "*": 3, "ok.key": 4})["numbers"] == {"ok.key": 4.0}


def test_a_generated_id_is_no_term_of_its_own() -> None:
    assert "transaction_id" not in fields()
    assert "generated" in fields()["marks"]


def test_the_mapping_has_a_bound_and_room_for_numbers() -> None:
    template = events_template(Names("clew"), shards=1, replicas=0)["template"]
    assert template["settings"]["mapping.total_fields.limit"] == FIELDS_MAX
    assert template["mappings"]["dynamic"] is False
    assert len(template["mappings"]["properties"]) < FIELDS_MAX / 2 + 10
    assert template["mappings"]["properties"].keys() >= set(Document.__struct_encode_fields__) - {"links"}
