"""What is known of a transaction as a whole: enough to list, to filter and to sort without reading its events.

Every field is a lattice value (lowest, highest, union, earliest), so summaries merge in any order, and merging one
twice changes nothing: an event that is delivered again does no harm, and no state has to be exactly-once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from clew_collector.errors import StoreError
from clew_collector.event import Event

from .admission import INT64_MAX
from .expression import All, And, Exists, Expression, Not, Or, Prefix, Range, Term, Wildcard
from .matching import as_number, has_generated_id, keyword, keyword_bounds, numeric_bounds, wildcard_regex

__all__ = [
    "SUMMARY_FIELDS",
    "Root",
    "Summary",
    "check_summary_expression",
    "end_of",
    "matches_summary",
    "merge",
    "root_of",
    "summarise",
    "union",
]

SERVICES_MAX = 256
"""The first in order are kept: the smallest of a union are a lattice, too."""
NAME_CHARACTERS_MAX = 200

_KEYWORDS = frozenset({"transaction_id", "service", "root", "name"})
_NUMBERS = frozenset({"severity_number", "duration", "time", "end"})
SUMMARY_FIELDS = _KEYWORDS | _NUMBERS
"""What transactions are asked for by: `service` is any of its services, `root` that of its root, `name` the root span's
name, `time` its begin."""


class Root(NamedTuple):
    """Where a transaction begins: the lowest is the root of all."""

    rank: int
    """0 for a span without a parent, 1 for any other event."""
    time: int
    event_id: str
    service: str
    name: str
    """Of the span; empty for a line."""


class Summary(msgspec.Struct, frozen=True):
    """A transaction. Times are ns UTC."""

    transaction_id: str
    start: int
    end: int
    severity_number: int
    """The highest of its events."""
    services: tuple[str, ...]
    """In order, each once."""
    root: Root

    @property
    def duration(self) -> int:
        """From its first event to the end of its last, ns."""
        return self.end - self.start


def summarise(event: Event) -> Summary | None:
    """Return the summary of the transaction as far as one event tells; None if its transaction id was generated."""
    if has_generated_id(event) or not event.transaction_id:
        return None
    return Summary(
        keyword(event.transaction_id),
        event.time,
        end_of(event),
        event.severity_number,
        (event.service,) if event.service else (),
        root_of(event),
    )


def end_of(event: Event) -> int:
    """Return when the event was over, as far as 64 bits reach."""
    return min(event.end, INT64_MAX)


def root_of(event: Event) -> Root:
    """Return the event as a candidate for its transaction's root."""
    if event.duration is None:
        return Root(1, event.time, event.event_id, event.service, "")
    name = event.body[:NAME_CHARACTERS_MAX]
    return Root(1 if event.parent_span_id else 0, event.time, event.event_id, event.service, name)


def merge(one: Summary, other: Summary) -> Summary:
    """Return what both tell of the same transaction: associative, commutative, idempotent."""
    return Summary(
        one.transaction_id,
        min(one.start, other.start),
        max(one.end, other.end),
        max(one.severity_number, other.severity_number),
        union(one.services, other.services),
        min(one.root, other.root),
    )


def union(*services: Iterable[str]) -> tuple[str, ...]:
    """Return the services of all, as `Summary.services`."""
    return tuple(sorted(set().union(*services))[:SERVICES_MAX])


def check_summary_expression(expression: Expression) -> None:
    """Raise StoreError if transactions cannot be asked so: a field that they have not, or words of text."""
    match expression:
        case And(parts) | Or(parts):
            for part in parts:
                check_summary_expression(part)
        case Not(part):
            check_summary_expression(part)
        case All():
            return
        case Term(field) | Prefix(field) | Wildcard(field) | Range(field) | Exists(field) if field in SUMMARY_FIELDS:
            return
        case _:
            field = getattr(expression, "field", None)
            raise StoreError(
                f"transactions cannot be asked by {field or 'words'}",
                hint=f"ask by {', '.join(sorted(SUMMARY_FIELDS))}",
            )


def matches_summary(expression: Expression, summary: Summary) -> bool:
    """Return whether the transaction matches. Pure; for expressions that pass the check."""
    match expression:
        case All():
            return True
        case And(parts):
            return all(matches_summary(part, summary) for part in parts)
        case Or(parts):
            return any(matches_summary(part, summary) for part in parts)
        case Not(part):
            return not matches_summary(part, summary)
        case Exists(field):
            return field in _NUMBERS or any(_texts(field, summary))
        case Term(field, value):
            return _is(field or "", value, summary)
        case Prefix(field, value):
            return _any_text(field, summary, lambda text: text.startswith(value))
        case Wildcard(field, pattern):
            regex = wildcard_regex(pattern)
            return _any_text(field, summary, lambda text: regex.fullmatch(text) is not None)
        case Range():
            return _in_range(expression, summary)
        case _:
            return False


def _is(field: str, value: str, summary: Summary) -> bool:
    if field in _NUMBERS:
        wanted = as_number(value)
        return wanted is not None and _number(field, summary) == wanted
    return value != "" and keyword(value) in _texts(field, summary)


def _in_range(wanted: Range, summary: Summary) -> bool:
    if wanted.field in _NUMBERS:
        bounds = numeric_bounds(wanted)
        if bounds is None:
            return False
        value = _number(wanted.field, summary)
        return _lies(value, bounds[0], bounds[1], wanted)
    low, high = keyword_bounds(wanted)
    return _any_text(
        wanted.field, summary, lambda text: _lies(text, low, text if high is None else high, wanted, open_=high is None)
    )


def _lies(value: Any, low: Any, high: Any, wanted: Range, *, open_: bool = False) -> bool:
    above = value >= low if wanted.include_low else value > low
    return bool(above and (open_ or (value <= high if wanted.include_high else value < high)))


def _any_text(field: str | None, summary: Summary, test: Callable[[str], bool]) -> bool:
    return any(text != "" and test(text) for text in _texts(field or "", summary))


def _texts(field: str, summary: Summary) -> tuple[str, ...]:
    match field:
        case "service":
            return tuple(map(keyword, summary.services))
        case "root":
            return (keyword(summary.root.service),)
        case "name":
            return (summary.root.name,)
        case "transaction_id":
            return (summary.transaction_id,)
    return ()


def _number(field: str, summary: Summary) -> int:
    match field:
        case "severity_number":
            return summary.severity_number
        case "duration":
            return summary.duration
        case "end":
            return summary.end
    return summary.start
