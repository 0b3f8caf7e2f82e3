"""Lines that one statement wrote are one kind."""

from __future__ import annotations

import pytest
from tests.unit.path.lines import line

from clew_query.path.learned.templates import UNSEEN, Templates, tokens_of


def kinds(*texts: str, **fields: object) -> list[int]:
    events = [line("app", at, text, **fields) for at, text in enumerate(texts)]
    templates = Templates()
    templates.fit(events)
    return templates.kinds(events)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("order 17 created", ("order", "*", "created")),
        ("user: alice, took=5ms done", ("user", "*", "took", "*", "done")),
        ("ids 1 2 3 4", ("ids", "*")),
        ("[a][b] c", ("a", "b", "c")),
        ("", ()),
        ("items a=1 b=2 c=3 d=4", ("items", "a", "*", "b", "*", "c")),
    ],
)
def test_values_are_masked_and_lists_have_one_length(text, tokens):
    assert tokens_of(text) == tokens


def test_lines_that_differ_in_values_are_one_kind():
    assert len(set(kinds("order 1 created", "order 22 created", "order abc3 created"))) == 1


def test_started_and_ended_are_two_statements():
    assert len(set(kinds("request home started", "request home ended"))) == 2


def test_many_words_in_one_place_are_a_value():
    cities = ("Rome", "Paris", "Oslo", "Bern", "Kyiv", "Riga")
    assert len(set(kinds(*(f"weather in {city} is asked for" for city in cities)))) == 1


def test_a_value_and_a_word_in_one_place_are_two_statements():
    found = kinds("query product OLJ7 by name", "query product successfully by name")
    assert found[0] != found[1]


def test_one_place_in_the_code_is_one_statement():
    place = {"attributes": {"logger": "Orders", "code.line.number": 17}}
    assert len(set(kinds("order is being started", "order is being ended", **place))) == 1


def test_what_was_never_seen_is_the_rest_of_its_service_and_of_no_other():
    templates = Templates()
    templates.fit([line("app", 0, "known line"), line("db", 0, "known line")])
    app, db, nobody = templates.kinds([line("app", 1, "x"), line("db", 1, "x"), line("new", 1, "x")])
    assert app != db
    assert nobody == UNSEEN
    assert templates.services[app] == "app"


def test_kinds_do_not_depend_on_the_order_of_lines():
    texts = ["a started", "a ended", "b 17 x", "b 18 x", "c y"]
    events = [line("app", at, text) for at, text in enumerate(texts)]
    one, other = Templates(), Templates()
    one.fit(events)
    other.fit(events[::-1])
    assert one.kinds(events) == other.kinds(events)
    assert one.words == other.words


def test_fitting_again_keeps_the_numbers():
    templates = Templates()
    old = [line("app", 0, "first statement"), line("app", 1, "second thing here")]
    templates.fit(old)
    before = templates.kinds(old)
    templates.fit([line("app", 2, "a third, quite another"), *old])
    assert templates.kinds(old) == before
