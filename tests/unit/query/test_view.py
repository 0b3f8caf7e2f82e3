"""Events as JSON, times as text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.query.events import START, event

from clew_collector.event import Event
from clew_query.times import TimeTexts, format_time, instant_of, span_of
from clew_query.view import encode_json, event_json

NOW = 1_700_000_000_000_000_000


class TestEvent:
    def test_every_field_and_the_time_that_orders(self) -> None:
        shown = event_json(event(1))
        assert set(shown) == {*Event.__struct_fields__, "time"}
        assert shown["time"] == shown["timestamp"] == "2023-01-29T08:30:01.000000000Z"
        assert shown["observed_timestamp"] == "2023-01-29T08:30:01.000000005Z"
        assert shown["original"] == "line 1"

    def test_a_line_without_a_time_stands_where_it_was_read(self) -> None:
        shown = event_json(Event(**{**_fields(event(0)), "timestamp": None}))
        assert shown["timestamp"] is None
        assert shown["time"] == shown["observed_timestamp"]

    def test_a_line_that_is_not_utf8_keeps_its_bytes_beside_its_text(self) -> None:
        shown = event_json(event(0, original=b"caf\xe9"))
        assert (shown["original"], shown["original_base64"]) == ("caf\N{REPLACEMENT CHARACTER}", "Y2Fm6Q==")

    @pytest.mark.parametrize(
        ("value", "shown"),
        [(1 << 70, 1 << 70), ("a\ud800b", "a?b"), (float("nan"), None), (-(1 << 63), -(1 << 63)), (True, True)],
    )
    def test_every_value_becomes_json(self, value: object, shown: object) -> None:
        assert json.loads(encode_json({"value": [value]})) == {"value": [shown]}


class TestTimes:
    @given(st.integers(-(1 << 63) + 1, (1 << 63) - 1))
    def test_text_and_back(self, time: int) -> None:
        assert instant_of(format_time(time)) == time

    def test_what_was_formatted_is_remembered(self) -> None:
        texts = TimeTexts()
        assert texts[START] == format_time(START)
        assert texts[START] is texts[START]
        assert event_json(event(1), texts.__getitem__) == event_json(event(1))

    @pytest.mark.parametrize(
        ("text", "first", "last"),
        [
            ("2023-01-29T08:30:00.123456789Z", START + 123456789, START + 123456789),
            ("2023-01-29T08:30:00Z", START, START + 999_999_999),
            ("2023-01-29t10:30+02:00", START, START + 59_999_999_999),
            ("2023-01-29 08:30:00,5", START + 500_000_000, START + 599_999_999),
            ("now", NOW, NOW),
            ("now-1m+30s", NOW - 30_000_000_000, NOW - 30_000_000_000),
            ("now-1w", NOW - 604_800_000_000_000, NOW - 604_800_000_000_000),
        ],
    )
    def test_a_text_denotes_a_span(self, text: str, first: int, last: int) -> None:
        assert span_of(text, lambda: NOW) == (first, last)

    @pytest.mark.parametrize(
        "text", ["", "noon", "2023-02-30", "2023-01-29T25:00Z", "now-1y", "9999-01-01", "1674981000"]
    )
    def test_what_denotes_none_is_a_sentence(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"`.*` (is not a time|lies outside)"):
            span_of(text, lambda: NOW)


def _fields(of: Event) -> dict[str, object]:
    return {name: getattr(of, name) for name in Event.__struct_fields__}
