"""What can be asked of a store: a small tree that every store translates to its own language, with one meaning.

Fields
    keyword   service host instance source severity_text transaction_id transaction_origin span_id parent_span_id
              event_id kind status, `ids` (every id of an event) and `links` (the transactions that a span has links
              to): compared as they are, upper and lower case apart
    text      body: compared by tokens, which are runs of letters and digits in lower case (`TOKEN`)
    number    severity_number offset length timestamp observed_timestamp time duration (ns)
    attributes.KEY   a keyword by the value's text (see `attribute_text`); a number in a Range with number bounds
A Term on text asks for one token (a value of several tokens is a Phrase), a Phrase for tokens in a row.
`field=None` asks the default: body or one value of an attribute, by tokens (a Term, Phrase, Prefix or Wildcard), or
any id, whole (a Term). An empty value, and an attribute that is null, is no value: only Not finds it. Attributes are
compared as numbers by their double; text is no number. Ids that are made from a line's place (event ids, generated
transaction ids) answer to Term, Prefix and Range, never to a Wildcard. `store/matching.py` is this meaning as code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ALL",
    "KEYWORD_FIELDS",
    "NUMBER_FIELDS",
    "TEXT_FIELDS",
    "TOKEN",
    "All",
    "And",
    "Exists",
    "Expression",
    "Not",
    "Or",
    "Phrase",
    "Prefix",
    "Range",
    "Term",
    "Wildcard",
    "attribute_text",
    "tokens",
]

KEYWORD_FIELDS = frozenset(
    {
        "service", "host", "instance", "source", "severity_text", "transaction_id", "transaction_origin",
        "span_id", "parent_span_id", "event_id", "ids", "kind", "status", "links",
    }
)  # fmt: skip
TEXT_FIELDS = frozenset({"body"})
NUMBER_FIELDS = frozenset(
    {"severity_number", "offset", "length", "timestamp", "observed_timestamp", "time", "duration"}
)
TOKEN = re.compile(r"[^\W_]+")
TOKEN_CHARACTERS_MAX = 4096
"""A longer token is known by its first characters (most stores refuse terms over 32 KiB)."""
KEYWORD_CHARACTERS_MAX = 4096
"""A longer keyword is known by its first characters (four bytes each at most, see TOKEN_CHARACTERS_MAX)."""


@dataclass(frozen=True, slots=True)
class All:
    """Every event."""


@dataclass(frozen=True, slots=True)
class Term:
    """The field is, or for text contains, this value. A number field takes the number's text."""

    field: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """The text field contains these tokens in a row."""

    field: str | None
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """The keyword, or a token of the text, begins so."""

    field: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The keyword, or a token of the text, matches: `*` any characters, `?` one; a backslash takes either literally."""

    field: str | None
    pattern: str


@dataclass(frozen=True, slots=True)
class Range:
    """The number, or keyword by code point, lies between; None is open."""

    field: str
    low: float | str | None = None
    high: float | str | None = None
    include_low: bool = True
    include_high: bool = True


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has a value that is not empty."""

    field: str


@dataclass(frozen=True, slots=True)
class And:
    """All of them (at least one)."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    part: Expression


Expression = All | Term | Phrase | Prefix | Wildcard | Range | Exists | And | Or | Not
ALL = All()


def tokens(text: str) -> list[str]:
    """Return the text's tokens in order, lower case, each cut to `TOKEN_CHARACTERS_MAX` characters."""
    return [t[:TOKEN_CHARACTERS_MAX] for t in TOKEN.findall(text.lower())]


def attribute_text(value: Any) -> str:
    """Return an attribute's value as the keyword that it is compared by: `true`, `false`, `null`, else its text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
