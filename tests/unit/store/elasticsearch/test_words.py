"""Tokens with spaces between, as the analyzer takes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clew_collector.store.elasticsearch.words import LONG, spaced, stand_in
from clew_collector.store.expression import tokens

pieces = st.one_of(
    st.sampled_from(["a", "B7", " ", "  ", "-", "_", "é", "日本"]),
    st.integers(LONG - 2, 2 * LONG + 2).map(lambda length: "x" * length),
    st.integers(LONG - 2, LONG + 2).map(lambda length: " " * length),
)


@given(st.lists(pieces, max_size=8).map("".join))
def test_a_text_becomes_its_tokens_and_long_ones_stand_apart(text: str) -> None:
    long_words: list[str] = []
    found = spaced(text, long_words, "b").split()
    expected = tokens(text)
    assert found == [stand_in(token) if len(token) > LONG else token for token in expected]
    assert long_words == ["b" + token for token in expected if len(token) > LONG]
