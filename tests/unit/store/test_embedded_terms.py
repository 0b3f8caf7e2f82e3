"""Terms, patterns and places of the embedded store: pure functions, checked against what they stand for."""

from __future__ import annotations

import random
import re

import pytest
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from clew_collector.store.embedded.terms import between_pattern, indexable, term_prefix
from clew_collector.store.embedded.writer import log_day
from clew_collector.store.expression import TOKEN_CHARACTERS_MAX, Range, tokens
from clew_collector.store.number_code import number_code
from clew_collector.store.place import (
    PLACE_MAX,
    first_place,
    place_of,
    places_between,
    places_with_prefix,
    split_place,
)

LONG = TOKEN_CHARACTERS_MAX


@pytest.fixture(scope="module")
def analyzer() -> tantivy.TextAnalyzer:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase()).build()


def test_the_engine_and_we_agree_on_every_character(analyzer: tantivy.TextAnalyzer) -> None:
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    wrong = []
    for first in range(0, len(characters), 256):
        text = " ".join(f"A{character}b" for character in characters[first : first + 256])
        if analyzer.analyze(indexable(text)) != tokens(text):
            wrong.append(first)
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    ["", "x" * LONG, "x" * (LONG + 1), f"a {'x' * 5 * LONG} b", "-" * 5 * LONG, "é" * 5 * LONG, "a_b" * LONG],
    ids=lambda text: f"{text[:5]}... {len(text)}",
)
def test_the_engine_and_we_agree_on_long_texts(analyzer: tantivy.TextAnalyzer, text: str) -> None:
    assert analyzer.analyze(indexable(text)) == tokens(text)


@given(st.floats(allow_nan=False) | st.integers(-5, 5).map(float), st.floats(allow_nan=False))
def test_number_codes_order_like_numbers(one: float, other: float) -> None:
    one, other = one + 0.0, other + 0.0
    assert (number_code(one) < number_code(other)) is (one < other)


def test_a_pattern_between_bounds_is_exactly_what_lies_between() -> None:
    texts = [f"{number:03x}" for number in range(16**3)]
    rng = random.Random(11)
    for _ in range(200):
        low, high = sorted(rng.sample(texts, 2))
        pattern = re.compile(between_pattern(low, high))
        assert [text for text in texts if pattern.fullmatch(text)] == [text for text in texts if low <= text <= high]
    assert re.fullmatch(between_pattern("0a0", "0a0"), "0a0")
    with pytest.raises(ValueError, match="lies above"):
        between_pattern("2", "1")


def test_no_two_fields_share_their_beginning() -> None:
    keys = ["", "a", "a\0", "a\1", "a\1\2", "a\0b", "\0", "\1", "\1\1", "\2"]
    begins = [term_prefix(key) for key in keys]
    assert len(set(begins)) == len(keys)
    assert all(begin.count("\0") == 1 and begin.endswith("\0") for begin in begins)


def test_places_are_event_ids_as_numbers() -> None:
    assert place_of("0" * 31 + "f") == 15
    assert place_of("F" * 32) is None
    assert place_of("f" * 31) is None
    assert split_place(PLACE_MAX) == (2**64 - 1, 2**64 - 1)
    assert places_with_prefix("f") == (0xF << 124, PLACE_MAX)
    assert places_with_prefix("") == (0, PLACE_MAX)
    assert places_with_prefix("g") is None
    assert places_with_prefix("0" * 33) is None


@given(st.text(st.sampled_from("0129afgG~ "), max_size=34), st.integers(0, PLACE_MAX), st.booleans())
def test_the_first_place_parts_the_ids_at_the_bound(bound: str, place: int, above: bool) -> None:
    text = f"{place:032x}"
    assert (place >= first_place(bound, above=above)) is (text > bound if above else text >= bound)


def test_places_between_bounds() -> None:
    assert places_between(Range("event_id")) == (0, PLACE_MAX)
    assert places_between(Range("event_id", "1", "0")) is None
    exact = "ab" * 16
    assert places_between(Range("event_id", exact, exact)) == (int(exact, 16), int(exact, 16))
    assert places_between(Range("event_id", exact, exact, include_low=False)) is None


@pytest.mark.parametrize(
    ("now_s", "newest", "day"),
    [
        (0, "", "1970-01-01"),
        (1_795_478_400, "", "2026-11-24"),
        (1_795_478_399, "", "2026-11-23"),
        (1_795_478_400, "2026-11-23", "2026-11-24"),
        (1_795_478_400, "2026-12-01", "2026-12-01"),
    ],
)
def test_the_log_day_is_the_clock_s_unless_it_went_back(now_s: int, newest: str, day: str) -> None:
    assert log_day(now_s * 1_000_000_000, newest) == day
