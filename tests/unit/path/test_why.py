"""One sentence for each edge."""

from __future__ import annotations

from typing import Any

import pytest

from clew_query.path import Call
from clew_query.path.why import why


def call(**fields: Any) -> Call:
    given = {"parent": "i1", "child": "i2", "from_service": "orders", "to_service": "payments", "kind": "sync",
             "probability": 1.0, "evidence": ("a span names its parent span",)}  # fmt: skip
    return Call(**{**given, **fields})


NAMED = "a span names its parent span."

SENTENCES = {
    "orders certainly called payments and waited: " + NAMED: {},
    "orders very probably (p 0.86) called payments and waited: in it, and just before.": {
        "probability": 0.857,
        "evidence": ("in it", "just before"),
    },
    "orders almost certainly (p 0.99) called payments and waited: nothing speaks against it.": {
        "probability": 0.997,
        "evidence": (),
    },
    "orders possibly (p 0.30) made payments work without waiting: " + NAMED: {"kind": "async", "probability": 0.3},
    "orders certainly called payments 7 times and waited: " + NAMED: {"count": 7},
    "payments was certainly called from outside: " + NAMED: {"parent": None, "from_service": None},
    "a service that is not here certainly called payments and waited: " + NAMED: {"from_service": None},
}


@pytest.mark.parametrize(("sentence", "fields"), SENTENCES.items())
def test_sentences(sentence: str, fields: dict[str, Any]) -> None:
    assert why(call(**fields)) == sentence
