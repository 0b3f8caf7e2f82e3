"""What holds for every line, whatever its bytes."""

from __future__ import annotations

import json
import math
from itertools import accumulate
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.normalise.lines import chunk_of

from clew_agent.wire import Chunk, Origin, Source, event_id, pack_u32
from clew_collector.event import Event
from clew_collector.normalise import Normaliser
from clew_collector.normalise.clocks import CLOCKS
from clew_collector.normalise.tails import TAILS
from clew_collector.normalise.whole_lines import WHOLE_LINES

NORMALISER = Normaliser()
INTEGER_MAX = (1 << 63) - 1

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
keys = st.text(max_size=8) | st.sampled_from(
    [
        "message",
        "msg",
        "event",
        "log",
        "level",
        "severity_number",
        "time",
        "ts",
        "span_id",
        "dd",
        "traceparent",
        "logger",
    ]
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)
json_lines = st.dictionaries(keys, trees, max_size=6).map(lambda fields: json.dumps(fields).encode())
pieces = st.sampled_from(
    [example for clock in CLOCKS for example in clock.examples]
    + [example for row in (*TAILS, *WHOLE_LINES) for example in row.examples]
    + [
        '{"log":"',
        '","stream":"stdout","time":"2023-01-29T08:42:09.735123456Z"}',
        " ",
        "[",
        "]",
        '"',
        "<",
        "=",
        "\\",
        "\0",
    ]
    + ["level=info msg=", "SpanID: ", "٣", "\x1b[31m", "\ufeff", "９９９９-99-99 99:99:99"]
)
mixed_lines = (
    st.lists(pieces | st.text(max_size=5), max_size=6).map("".join).map(lambda t: t.encode("utf-8", "replace"))
)
any_lines = (st.binary(max_size=200) | json_lines | mixed_lines).map(lambda raw: raw.replace(b"\n", b"").rstrip(b"\r"))


def check(event: Event) -> None:
    assert event.timestamp is None or abs(event.timestamp) <= INTEGER_MAX
    assert 0 <= event.severity_number <= 24
    for text in (event.severity_text, event.body):
        text.encode()
    for span in (event.span_id, event.parent_span_id):
        assert span == "" or (len(span) == 16 and int(span, 16) and span == span.lower())
    for key, value in event.attributes.items():
        assert key
        assert "\0" not in key
        assert value is None or isinstance(value, str | int | float | bool)
        assert not isinstance(value, float) or math.isfinite(value)
        assert not isinstance(value, int) or abs(value) <= INTEGER_MAX
    again = msgspec.json.decode(msgspec.json.encode(event), type=Event)
    assert again == event


@given(st.lists(any_lines, min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_one_event_a_line_its_bytes_untouched_its_fields_plain(lines: list[bytes]) -> None:
    chunk = chunk_of(lines)
    events = NORMALISER.events(chunk)
    assert [event.original for event in events] == lines
    for event in events:
        check(event)
    assert events == Normaliser().events(chunk)


@given(any_lines, st.lists(any_lines, max_size=5))
@settings(max_examples=100, deadline=None)
def test_an_event_does_not_depend_on_its_neighbours(line: bytes, others: list[bytes]) -> None:
    fields = ("timestamp", "severity_number", "severity_text", "span_id", "parent_span_id", "body", "attributes")
    alone = NORMALISER.events(chunk_of([line]))[0]
    among = NORMALISER.events(chunk_of([*others, line]))[-1]
    assert [getattr(alone, name) for name in fields] == [getattr(among, name) for name in fields]


HARD = {
    "empty": b"",
    "NULs": b"\0" * 1000,
    "invalid UTF-8": b"\xff\xfe2024-01-01 \xc3(",
    "invalid UTF-8 in JSON": b'{"msg":"a\xffb","level":"error"}',
    "invalid UTF-8 in an envelope": b'{"log":"INFO a\xffb\\n","stream":"stdout","time":"2023-01-29T08:42:09.7Z"}',
    "one MiB of nothing": b" " * (1 << 20),
    "one MiB of text": b"lorem ipsum [" * (1 << 16),
    "one MiB of brackets": b"[" * (1 << 20),
    "one MiB of quotes": b'"' * (1 << 20),
    "one MiB of logfmt": b'a="b\\" ' * (1 << 17),
    "one MiB of unclosed logfmt": b'a=1 b="' + b"x" * (1 << 20),
    "one MiB of span ids": b"SpanID: 12 " * 95_000,
    "one MiB after a clock": b"2024-01-01 00:00:00 INFO " + b"x(" * (1 << 19) + b")",
    "one MiB of thread": b"2024-01-01 00:00:00 INFO [" + b"x" * (1 << 20),
    "one MiB of priorities": b"<4>" * 350_000,
    "one MiB of access log": b'1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET ' + b"\\x" * (1 << 19),
    "one MiB of structured data": b"<4>1 - h a - - " + b'[a b="c"]' * 116_000,
    "one MiB of digits": b"9" * (1 << 20),
    "a number of one MiB in JSON": b'{"a":' + b"9" * (1 << 20) + b"}",
    "a hundred thousand levels": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a hundred thousand keys": b"{" + b",".join(b'"k%d":1' % i for i in range(100_000)) + b"}",
    "a hundred thousand escapes": b'{"log":"' + b'\\"' * 100_000 + b'","stream":"stdout","time":"x"}',
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("line", HARD.values(), ids=HARD.keys())
def test_hard_lines(line: bytes) -> None:
    (event,) = NORMALISER.events(chunk_of([line]))
    assert event.original == line
    check(event)


def test_invalid_utf_8_is_replaced_in_the_body_only() -> None:
    (event,) = NORMALISER.events(chunk_of([HARD["invalid UTF-8 in JSON"]]))
    assert (event.body, event.severity_number) == ("a\ufffdb", 17)


class TestColumns:
    """Where a line stands and what it is called comes from the chunk's columns."""

    def test_events_carry_their_place_and_origin(self) -> None:
        lines = [b"one\n", b"two\r\n", b"three"]
        chunk = Chunk(
            source=Source(file_id=bytes(range(10)), path="/p", host="h", service="s", instance="i"),
            observed_ns=7,
            start=100,
            lengths=pack_u32([4, 5, 5]),
            payload=b"".join(lines),
            ids=bytes(16) + b"\xab" * 16 + b"\xcd" * 16,
            origins=bytes([Origin.GENERATED, Origin.LINE, Origin.ALIAS]),
            aliases={2: ("order-7",)},
        )
        events = NORMALISER.events(chunk)
        assert [e.original for e in events] == [b"one", b"two", b"three"]
        assert [(e.offset, e.length) for e in events] == [(100, 4), (104, 5), (109, 5)]
        assert [e.event_id for e in events] == [event_id(bytes(range(10)), offset) for offset in (100, 104, 109)]
        assert [e.transaction_id for e in events] == [events[0].event_id, "ab" * 16, "cd" * 16]
        assert [e.transaction_origin for e in events] == ["generated", "line", "alias"]
        assert [e.aliases for e in events] == [(), (), ("order-7",)]
        assert {(e.service, e.instance, e.host, e.source, e.observed_timestamp) for e in events} == {
            ("s", "i", "h", "/p", 7)
        }

    def test_they_are_those_of_the_chunks_own_lines(self) -> None:
        chunk = chunk_of([b"one", b"", b"three\r"], trace="ab" * 16)
        for event, line in zip(NORMALISER.events(chunk), chunk.lines(), strict=True):
            assert (event.offset, event.length, event.original) == (line.offset, line.length, line.raw)
            assert (event.transaction_id, event.aliases) == (line.transaction_id, line.aliases)

    def test_bytes_that_were_cut_off_are_counted(self) -> None:
        sizes, lengths = [4, 6], [8, 1_006]  # the first one was written in UTF-16
        chunk = msgspec.structs.replace(
            chunk_of([b"one", b"INFO x"]),
            lengths=pack_u32(lengths),
            sizes=pack_u32(sizes),
            payload=b"one\nINFO \n",
            cut={1: 1_000},
        )
        one, cut = NORMALISER.events(chunk)
        assert "clew.cut_bytes" not in one.attributes
        assert (cut.attributes["clew.cut_bytes"], cut.length, cut.original) == (1_000, 1_006, b"INFO ")

    @given(st.integers(0, 5), st.integers(0, 5))
    def test_a_chunk_cut_elsewhere_gives_the_same_events(self, first: int, more: int) -> None:
        lines: list[bytes] = [b"INFO a", b'{"msg":"b"}', b"c=1 d=2", b"", b"\xff", b"Jun 14 15:16:01 h x: y"]
        chunk = chunk_of(lines, trace="ab" * 16)
        last = min(first + more, len(lines))
        assert NORMALISER.events(chunk.select(first, last)) == NORMALISER.events(chunk)[first:last]

    def test_attributes_are_never_shared(self) -> None:
        a, b = NORMALISER.events(chunk_of([b"x", b"y"]))
        shared: list[Any] = [a.attributes, b.attributes]
        assert shared[0] is not shared[1]


def test_offsets_follow_lengths() -> None:
    lines = [b"x" * n for n in range(5)]
    events = NORMALISER.events(chunk_of(lines))
    assert [e.offset for e in events] == list(accumulate((e.length for e in events[:-1]), initial=0))
