"""The query language: what every piece of syntax asks for, and where every error lies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew_collector.store.expression import (
    ALL,
    And,
    Exists,
    Expression,
    Not,
    Or,
    Phrase,
    Prefix,
    Range,
    Term,
    Wildcard,
)
from clew_query.errors import QueryError
from clew_query.lucene import QUERY_CHARACTERS_MAX, compile_query

NOW = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
A, B, C, D = (Term(None, letter) for letter in "abcd")


def ask(text: str) -> Expression:
    return compile_query(text, now=lambda: NOW)


class TestWords:
    @pytest.mark.parametrize("text", ["", "   ", "*", "*:*", " * "])
    def test_nothing_asked_is_everything(self, text: str) -> None:
        assert ask(text) == ALL

    def test_a_word_is_found_anywhere(self) -> None:
        assert ask("timeout") == Term(None, "timeout")

    def test_text_has_no_case_but_ids_do(self) -> None:
        assert ask("ERROR") == Or((Term(None, "error"), Term("ids", "ERROR")))

    def test_a_word_of_several_tokens_is_a_phrase_or_an_id(self) -> None:
        assert ask("a-b.c") == Or((Phrase(None, ("a", "b", "c")), Term("ids", "a-b.c")))

    def test_a_quoted_text_is_a_phrase(self) -> None:
        assert ask('"Connection refused: x"') == Phrase(None, ("connection", "refused", "x"))

    def test_a_quoted_word_is_that_word(self) -> None:
        assert ask('"timeout"') == Term(None, "timeout")

    def test_quotes_inside_quotes_are_escaped(self) -> None:
        assert ask(r'path:"a\"b\\c"') == Term("attributes.path", 'a"b\\c')

    @pytest.mark.parametrize(
        ("written", "canonical"),
        [
            ("5c1e7c0f-9d0b-4d63-8a5e-3f1b6f0c2a77", "5c1e7c0f9d0b4d638a5e3f1b6f0c2a77"),
            ("1-5759e988-bd862e3fe1be46a994272793", "5759e988bd862e3fe1be46a994272793"),
            ("463ac35c9f6413ad", "0000000000000000463ac35c9f6413ad"),
            ("1234567890123456789", "0000000000000000112210f47de98115"),
            ("5C1E7C0F9D0B4D638A5E3F1B6F0C2A77", "5c1e7c0f9d0b4d638a5e3f1b6f0c2a77"),
        ],
    )
    def test_a_bare_id_is_found_in_every_notation(self, written: str, canonical: str) -> None:
        asked = ask(written)
        assert isinstance(asked, Or)
        assert Term("ids", canonical) in asked.parts
        assert Term("ids", written) in asked.parts or Term(None, written) in asked.parts


class TestOperators:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a b", And((A, B))),
            ("a AND b", And((A, B))),
            ("a && b", And((A, B))),
            ("a OR b", Or((A, B))),
            ("a || b", Or((A, B))),
            ("a b OR c d", Or((And((A, B)), And((C, D))))),
            ("a AND (b OR c)", And((A, Or((B, C))))),
            ("NOT a", Not(A)),
            ("!a", Not(A)),
            ("!(a b)", Not(And((A, B)))),
            ("a -b", And((A, Not(B)))),
            ("+a -b", And((A, Not(B)))),
            ("a b c", And((A, B, C))),
            ('a "b"', And((A, B))),
        ],
    )
    def test_join(self, text: str, expected: Expression) -> None:
        assert ask(text) == expected

    def test_lower_case_operators_are_words(self) -> None:
        assert ask("a or b") == And((A, Term(None, "or"), B))


class TestSpans:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("kind:server", Or((Term("kind", "server"), Term("attributes.kind", "server")))),
            ("kind:SERVER", Or((Term("kind", "server"), Term("attributes.kind", "SERVER")))),
            ("kind:Pod", Term("attributes.kind", "Pod")),
            ("kind:*", Or((Exists("kind"), Exists("attributes.kind")))),
            ("_exists_:duration", Or((Exists("duration"), Exists("attributes.duration")))),
            ("status:error", Or((Term("status", "error"), Term("attributes.status", "error")))),
            ("status>=500", Range("attributes.status", 500, None)),
            ("duration>1s", Range("duration", SECOND, None, include_low=False)),
            ("duration>=1.5ms", Range("duration", 1_500_000, None)),
            ('duration<"1h30m"', Range("duration", None, 5400 * SECOND, include_high=False)),
            ("duration:[100ms TO 2s}", Range("duration", SECOND // 10, 2 * SECOND, include_high=False)),
            ("duration:1s", Or((Term("duration", str(SECOND)), Term("attributes.duration", "1s")))),
            ("duration>1.5", Range("attributes.duration", 1.5, None, include_low=False)),
            ("duration:1*", Prefix("attributes.duration", "1")),
            ("attributes.duration>7", Range("attributes.duration", 7, None, include_low=False)),
            ("links:463ac35c9f6413ad", Or((Term("links", "463ac35c9f6413ad"),
                                           Term("links", "463ac35c9f6413ad".zfill(32))))),
        ],
    )  # fmt: skip
    def test_fields_of_spans_share_their_names_with_attributes(self, text: str, expected: Expression) -> None:
        assert ask(text) == expected

    def test_a_range_has_units_on_both_ends_or_on_none(self) -> None:
        with pytest.raises(QueryError, match="one bound of this range is a duration"):
            ask("duration:[1 TO 2s]")


class TestFields:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("service:orders", Term("service", "orders")),
            ("service:Orders", Term("service", "Orders")),
            ('service:"ts order"', Term("service", "ts order")),
            ("service:(a OR b)", Or((Term("service", "a"), Term("service", "b")))),
            ("service:(a OR -b)", Or((Term("service", "a"), Not(Term("service", "b"))))),
            ("status:500", Term("attributes.status", "500")),
            ("attributes.level:x", Term("attributes.level", "x")),
            ("http.request.method:GET", Term("attributes.http.request.method", "GET")),
            ("message:Timeout", Term("body", "timeout")),
            ('msg:"timed out"', Phrase("body", ("timed", "out"))),
            ("file:app.log", Term("source", "app.log")),
            (r"a\:b:c", Term("attributes.a:b", "c")),
            (r"path:\/api", Term("attributes.path", "/api")),
            ("txid:order-17", Term("ids", "order-17")),
            ("id:463ac35c9f6413ad", Or((Term("ids", "463ac35c9f6413ad"), Term("ids", "463ac35c9f6413ad".zfill(32))))),
            ("span:00F067AA", Or((Term("span_id", "00F067AA"), Term("span_id", "00f067aa")))),
            ("offset:12", Term("offset", "12")),
            ("temperature:-5", Term("attributes.temperature", "-5")),
        ],
    )
    def test_value(self, text: str, expected: Expression) -> None:
        assert ask(text) == expected

    def test_a_transaction_is_found_by_free_text_too(self) -> None:
        mapped = "a25b2824fbff5934bdb2bb17ee3fad3d"
        assert ask("transaction_id:order-17") == Or(
            (Term("transaction_id", "order-17"), Term("transaction_id", mapped))
        )

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("_exists_:user", Exists("attributes.user")),
            ("user:*", Exists("attributes.user")),
            ("user:[* TO *]", Exists("attributes.user")),
            ("_exists_:span", Exists("span_id")),
            ("_exists_:severity", Range("severity_number", 1)),
        ],
    )
    def test_existence(self, text: str, expected: Expression) -> None:
        assert ask(text) == expected


class TestWildcards:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Time*", Prefix(None, "time")),
            ("time?ut", Wildcard(None, "time?ut")),
            ("*out", Wildcard(None, "*out")),
            ("service:ts-*", Prefix("service", "ts-")),
            ("service:ts-*-svc", Wildcard("service", "ts-*-svc")),
            ("file:*orders*", Wildcard("source", "*orders*")),
            (r"service:a\*b*c", Wildcard("service", r"a\*b*c")),
            (r"service:a\*", Term("service", "a*")),
            ("service:a**", Prefix("service", "a")),
        ],
    )
    def test_pattern(self, text: str, expected: Expression) -> None:
        assert ask(text) == expected


class TestRanges:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("status>=500", Range("attributes.status", 500)),
            ("status:>=500", Range("attributes.status", 500)),
            ("status >= 500", Range("attributes.status", 500)),
            ("status>500", Range("attributes.status", 500, include_low=False)),
            ("status<500", Range("attributes.status", high=500, include_high=False)),
            ("status<=0.5", Range("attributes.status", high=0.5)),
            ("status:[400 TO 499]", Range("attributes.status", 400, 499)),
            ("status:{400 TO 500}", Range("attributes.status", 400, 500, include_low=False, include_high=False)),
            ("status:[-5 TO *]", Range("attributes.status", -5)),
            ("status>-5", Range("attributes.status", -5, include_low=False)),
            ("version>=b", Range("attributes.version", "b")),
            ('service:["a" TO "c"]', Range("service", "a", "c")),
            ("d:(>=1 AND <9)", And((Range("attributes.d", 1), Range("attributes.d", high=9, include_high=False)))),
        ],
    )
    def test_bounds(self, text: str, expected: Expression) -> None:
        assert ask(text) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("severity:warn", Range("severity_number", 13, 16)),
            ("level:ERROR", Range("severity_number", 17, 20)),
            ("severity:17", Term("severity_number", "17")),
            ("severity>=error", Range("severity_number", 17)),
            ("severity>error", Range("severity_number", 20, include_low=False)),
            ("severity<=warn", Range("severity_number", 1, 16)),
            ("severity<warn", Range("severity_number", 1, 13, include_high=False)),
            ("severity:[warn TO error]", Range("severity_number", 13, 20)),
            ("severity:unspecified", Term("severity_number", "0")),
        ],
    )
    def test_a_severity_word_is_its_whole_range(self, text: str, expected: Expression) -> None:
        assert ask(text) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("time>=now-15m", Range("time", NOW - 900 * SECOND)),
            ("@timestamp>=now", Range("time", NOW)),
            ("time>=2023-01-29T08:30:00.5Z", Range("time", 1674981000500000000)),
            ("time>=2023-01-29T10:30:00+02:00", Range("time", 1674981000000000000)),
            ('time>="2023-01-29 08:30:00"', Range("time", 1674981000000000000)),
            ("time<=2023-01-29", Range("time", high=1675036799999999999)),
            ("timestamp:2023-01-29", Range("timestamp", 1674950400000000000, 1675036799999999999)),
            ("time:[now-1h TO now}", Range("time", NOW - 3600 * SECOND, NOW, include_high=False)),
        ],
    )
    def test_a_time_is_the_span_that_it_denotes(self, text: str, expected: Expression) -> None:
        assert ask(text) == expected


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "position", "says"),
        [
            ("timeout~2", 7, "fuzzy"),
            ('"a b"~3', 5, "proximity"),
            ("a^2", 1, "boosts"),
            ("path:/a.c/", 5, "regular expressions"),
            ("a /b", 2, "regular expression"),
            ('service:"orders', 8, "quote is not closed"),
            ("'a'", 0, "cannot begin"),
            ("a\\", 1, "backslash"),
            ("(a OR b", 7, "parenthesis"),
            ("a)", 1, "`)` is not expected"),
            ("a AND OR b", 6, "`OR` is not expected"),
            ("service:", 8, "a value is expected"),
            (":a", 0, "`:` is not expected"),
            ("x:[1 2]", 5, "`2` is not expected"),
            ("peer:10.0.0.1:80", 5, "another field"),
            ("serv*:a", 0, "wildcards"),
            (">=5", 0, "needs a field"),
            ("body>=5", 4, "has no order"),
            ("offset:x", 7, "whole number"),
            ("offset:1*", 7, "wildcard"),
            ("severity:loud", 9, "no severity"),
            ("time>=yesterday", 6, "not a time"),
            ("time>=2023-13-01", 6, "not a time"),
            ("time>=now-999999999w", 6, "outside the years"),
            ("x:[1 TO b]", 2, "one bound"),
            ('a ""', 2, "no word"),
            ("=== a", 0, "no word"),
            ('service:""', 8, "empty"),
            ("a-b*", 0, "one word"),
            ("a \ud800", 2, "UTF-8"),
            ("(" * 100 + "a" + ")" * 100, 65, "nested"),
            ("a" * (QUERY_CHARACTERS_MAX + 1), QUERY_CHARACTERS_MAX, "characters"),
        ],
    )
    def test_position(self, text: str, position: int, says: str) -> None:
        with pytest.raises(QueryError) as caught:
            ask(text)
        assert says in caught.value.message
        assert caught.value.position == position


PIECES = st.sampled_from(
    [*"abz019 _-.:;*?\\\"'()[]{}<>=!+~^/&|@#é\n\t\x00", "AND", "OR", "NOT", "TO", "&&", ">=", "severity", "time", "now",
     "_exists_", "offset", "ids", "2023-01-29T08:30:00", "+02:00", "warn"]
)  # fmt: skip


def answer_to(text: str) -> Expression | QueryError:
    try:
        return ask(text)
    except QueryError as error:
        return error


class TestAnyText:
    @given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map("".join)))
    def test_compiles_or_says_where_not(self, text: str) -> None:
        answer = answer_to(text)
        if isinstance(answer, QueryError):
            assert 0 <= answer.position <= len(text)
            assert answer.message
        else:
            assert isinstance(answer, Expression)
