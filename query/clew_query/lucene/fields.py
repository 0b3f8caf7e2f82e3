"""Which field a name in a query means, and how its values are compared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from clew_collector.store.expression import KEYWORD_FIELDS

__all__ = ["ALIASES", "ANYWHERE", "SPAN_VALUES", "Field", "Kind", "find_field"]


class Kind(Enum):
    """How a field's values are compared."""

    ANYWHERE = auto()
    """No field was named: text, values of attributes, ids."""
    TEXT = auto()
    KEYWORD = auto()
    ATTRIBUTE = auto()
    """A keyword, or a number where the bounds of a range are numbers."""
    ID = auto()
    """An id, found in any notation of it."""
    NUMBER = auto()
    SEVERITY = auto()
    TIME = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the store's expressions; `name` is None for anywhere."""

    name: str | None
    kind: Kind
    of_span: str | None = None
    """A span's own field of that name, beside the attribute: many loggers write a `status` or a `duration`, too."""


ANYWHERE = Field(None, Kind.ANYWHERE)

ALIASES = {
    "@timestamp": "time",
    "alias": "ids",
    "aliases": "ids",
    "file": "source",
    "id": "ids",
    "level": "severity_number",
    "message": "body",
    "msg": "body",
    "parent_span": "parent_span_id",
    "severity": "severity_number",
    "span": "span_id",
    "trace_id": "ids",
    "transaction": "ids",
    "txid": "ids",
}
"""Other names of fields; an attribute of such a name is asked for as `attributes.NAME`."""

_KINDS = {
    "body": Kind.TEXT,
    "ids": Kind.ID,
    "length": Kind.NUMBER,
    "links": Kind.ID,
    "observed_timestamp": Kind.TIME,
    "offset": Kind.NUMBER,
    "parent_span_id": Kind.ID,
    "severity_number": Kind.SEVERITY,
    "span_id": Kind.ID,
    "time": Kind.TIME,
    "timestamp": Kind.TIME,
    "transaction_id": Kind.ID,
}


SPAN_VALUES: dict[str, frozenset[str]] = {
    "duration": frozenset(),
    "kind": frozenset({"client", "consumer", "internal", "producer", "server"}),
    "status": frozenset({"error", "ok"}),
}
"""Fields of spans, and the words that they have for values."""


def find_field(name: str) -> Field:
    """Return the field of this name: one of an event, by its name or alias, else the attribute of that name."""
    name = ALIASES.get(name, name)
    if name in _KINDS:
        return Field(name, _KINDS[name])
    if name in SPAN_VALUES:
        return Field(f"attributes.{name}", Kind.ATTRIBUTE, name)
    if name in KEYWORD_FIELDS:
        return Field(name, Kind.KEYWORD)
    return Field(name if name.startswith("attributes.") else f"attributes.{name}", Kind.ATTRIBUTE)
