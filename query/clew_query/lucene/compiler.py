"""From luqum's tree to the store's expression."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from time import time_ns

from luqum import tree as luqum

from clew_agent.wire import canonical_transaction_id, map_alias
from clew_collector.store.expression import (
    ALL,
    TOKEN,
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
    tokens,
)
from clew_query.errors import QueryError
from clew_query.times import Now

from .fields import ANYWHERE, SPAN_VALUES, Field, Kind, find_field
from .reader import read_tree
from .spans import Span, find_duration, find_span

__all__ = ["compile_query"]

DEPTH_MAX = 64
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"\\(.)|(\*+)|(\?)|(.)", re.DOTALL)
_ORDERED = frozenset({Kind.NUMBER, Kind.SEVERITY, Kind.TIME})
_WORDS = frozenset({Kind.ANYWHERE, Kind.TEXT})


def compile_query(text: str, *, now: Now = time_ns) -> Expression:
    """Return the expression that the query asks for; QueryError with a position for every text that is none.

    An empty query asks for everything. Relative times count from `now()`.
    """
    tree = read_tree(text)
    if tree is None:
        return ALL
    return _Compiler(text, now).expression(tree, ANYWHERE, 0)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A word's value: as literal text, or with wildcards (`literal` is then what stands before the first)."""

    literal: str
    wildcard: str | None = None
    """In the notation of `expression.Wildcard`."""
    is_prefix: bool = False


def _read_pattern(raw: str) -> _Pattern:
    literal, wildcard, special = "", "", 0
    for escaped, stars, mark, plain in _PIECE.findall(raw):
        if stars or mark:
            special += 1
            wildcard += "*" if stars else mark
            continue
        character = escaped or plain
        wildcard += "\\" + character if character in "*?\\" else character
        literal += character if not special else ""
    if not special:
        return _Pattern(literal)
    return _Pattern(literal, wildcard, special == 1 and raw.endswith("*"))


def _any(parts: list[Expression]) -> Expression:
    unique = tuple(dict.fromkeys(parts))
    return unique[0] if len(unique) == 1 else Or(unique)


def _notations(field: str, value: str) -> list[Expression]:
    """Return terms that find an id however it was written."""
    names = [value, canonical_transaction_id(value)]
    if field == "transaction_id":
        names.append(map_alias(value))
    if field in {"span_id", "parent_span_id"}:
        names[1:] = [value.lower()]
    return [Term(field, name) for name in names if name]


@dataclass(frozen=True, slots=True)
class _Compiler:
    text: str
    now: Now

    def expression(self, node: luqum.Item, field: Field, depth: int) -> Expression:
        """Return the node's expression; values without a field of their own are asked of `field`."""
        if depth > DEPTH_MAX:
            raise self.error(node, f"the query is nested more than {DEPTH_MAX} deep")
        deeper = depth + 1
        match node:
            case luqum.AndOperation():
                return And(tuple(self.expression(child, field, deeper) for child in node.children))
            case luqum.OrOperation():
                return Or(tuple(self.expression(child, field, deeper) for child in node.children))
            case luqum.Not() | luqum.Prohibit():
                return Not(self.expression(node.a, field, deeper))
            case luqum.Plus():
                return self.expression(node.a, field, deeper)
            case luqum.BaseGroup():
                return self.expression(node.expr, field, deeper)
            case luqum.SearchField():
                return self.search_field(node, field, deeper)
            case luqum.Phrase():
                return self.value(node, field, _Pattern(_ESCAPED.sub(r"\1", node.value[1:-1])))
            case luqum.Word():
                return self.value(node, field, _read_pattern(node.value))
            case luqum.From():
                return self.range(node, field, low=node.a, include_low=node.include)
            case luqum.To():
                return self.range(node, field, high=node.a, include_high=node.include)
            case luqum.Range():
                return self.range(
                    node, field, node.low, node.high, include_low=node.include_low, include_high=node.include_high
                )
        raise self.error(node, "this is not supported")

    def error(self, node: luqum.Item, message: str, *, hint: str = "") -> QueryError:
        """Return the error with the node's place in the text."""
        return QueryError(message, position=min(max(node.pos or 0, 0), len(self.text)), hint=hint)

    def search_field(self, node: luqum.SearchField, field: Field, depth: int) -> Expression:
        """Return the expression of `name:...`."""
        name = _read_pattern(node.name)
        if field is not ANYWHERE:
            raise self.error(
                node, "a field's value cannot name another field", hint='put a value with a colon in quotes: x:"a:b"'
            )
        if name.literal == "_exists_" and isinstance(node.expr, luqum.Word | luqum.Phrase):
            asked = _read_pattern(node.expr.value.strip('"'))
            if asked.wildcard is not None or not asked.literal:
                raise self.error(node.expr, "`_exists_:` takes the name of one field")
            return self.exists(find_field(asked.literal))
        if name.wildcard == "*" and isinstance(node.expr, luqum.Word) and node.expr.value == "*":
            return ALL
        if name.wildcard is not None or not name.literal:
            raise self.error(node, "a field's name cannot have wildcards")
        if name.literal == "_exists_":
            raise self.error(node, "`_exists_:` takes the name of one field")
        return self.expression(node.expr, find_field(name.literal), depth)

    def exists(self, field: Field) -> Expression:
        """Return what asks whether the field has a value."""
        if field.name is None:
            return ALL
        if field.of_span is not None:
            return Or((Exists(field.of_span), Exists(field.name)))
        if field.kind is Kind.SEVERITY:
            return Range(field.name, low=1)
        return Exists(field.name)

    def value(self, node: luqum.Item, field: Field, pattern: _Pattern) -> Expression:
        """Return what asks for a word or a quoted text."""
        if field.of_span is not None:
            return self.of_span(node, field, pattern)
        if pattern.wildcard == "*":
            return self.exists(field)
        if field.kind in _ORDERED:
            return self.ordered(node, field, pattern)
        if pattern.wildcard is not None:
            return self.wildcard(node, field, pattern)
        if field.kind in _WORDS:
            return self.words(node, field, pattern.literal)
        assert field.name is not None
        if not pattern.literal:
            raise self.error(node, "this value is empty", hint=f"NOT _exists_:{field.name} asks for events without")
        if field.kind is Kind.ID:
            return _any(_notations(field.name, pattern.literal))
        return Term(field.name, pattern.literal)

    def of_span(self, node: luqum.Item, field: Field, pattern: _Pattern) -> Expression:
        """Return what asks for a value of a span's field, or of the attribute that has its name."""
        assert field.of_span is not None
        attribute = self.value(node, replace(field, of_span=None), pattern)
        if pattern.wildcard == "*":
            return Or((Exists(field.of_span), attribute))
        if pattern.wildcard is not None:
            return attribute
        if field.of_span == "duration":
            duration = find_duration(pattern.literal)
            return attribute if duration is None else Or((Term("duration", str(duration)), attribute))
        value = pattern.literal.lower()
        return Or((Term(field.of_span, value), attribute)) if value in SPAN_VALUES[field.of_span] else attribute

    def ordered(self, node: luqum.Item, field: Field, pattern: _Pattern) -> Expression:
        """Return what asks for one number, severity or time."""
        assert field.name is not None
        span = self.span(node, field, pattern)
        if span.first == span.last:
            return Term(field.name, str(span.first))
        return Range(field.name, span.first, span.last)

    def wildcard(self, node: luqum.Item, field: Field, pattern: _Pattern) -> Expression:
        """Return what asks for a word with wildcards."""
        assert pattern.wildcard is not None
        literal, wildcard = pattern.literal, pattern.wildcard
        if field.kind in _WORDS:
            literal, wildcard = literal.lower(), wildcard.lower()
            plain = re.sub(r"[*?]", "", wildcard)
            if plain and not TOKEN.fullmatch(plain):
                raise self.error(
                    node,
                    "a wildcard in text matches within one word of letters and digits",
                    hint="search its words on their own, or in a field: service:a-b*, ids:a-b*",
                )
        return Prefix(field.name, literal) if pattern.is_prefix else Wildcard(field.name, wildcard)

    def words(self, node: luqum.Item, field: Field, literal: str) -> Expression:
        """Return what asks for text, by its tokens in a row; anywhere also for an id of that notation."""
        found = tuple(tokens(literal))
        parts: list[Expression] = []
        if len(found) == 1:
            parts.append(Term(field.name, found[0]))
        elif found:
            parts.append(Phrase(field.name, found))
        if field.kind is Kind.ANYWHERE and TOKEN.search(literal) and not any(map(str.isspace, literal)):
            ids = _notations("ids", literal)
            # A term anywhere finds that id already.
            parts += ids[1:] if parts == [Term(None, literal)] else ids
        if not parts:
            raise self.error(
                node,
                "there is no word in this that could be found in text",
                hint="text is found by its words, which are letters and digits",
            )
        return _any(parts)

    def range(
        self,
        node: luqum.Item,
        field: Field,
        low: luqum.Item | None = None,
        high: luqum.Item | None = None,
        *,
        include_low: bool = True,
        include_high: bool = True,
    ) -> Expression:
        """Return what asks for values between two bounds, or beyond one."""
        if field.name is None:
            raise self.error(node, "a range needs a field", hint="write status>=500; put a text with < or > in quotes")
        if field.kind in {Kind.TEXT, Kind.ID}:
            raise self.error(node, f"`{field.name}` has no order: ranges are for numbers, times and keywords")
        if field.of_span == "duration":
            lows, highs = self.duration(low), self.duration(high)
            if lows is not None or highs is not None:
                if (low is not None and lows is None) or (high is not None and highs is None):
                    raise self.error(node, "one bound of this range is a duration, the other is not")
                return Range("duration", lows, highs, include_low, include_high)
        first, last = self.bound(low, field), self.bound(high, field)
        if first is None and last is None:
            return self.exists(field)
        if first is not None and last is not None and isinstance(first.first, str) != isinstance(last.first, str):
            raise self.error(node, "one bound of this range is a number, the other is not")
        if first is None and field.kind is Kind.SEVERITY:
            # Zero is no severity: `severity<warn` is about lines that say theirs.
            first, include_low = Span(1, 1), True
        return Range(
            field.name,
            None if first is None else first.first if include_low else first.last,
            None if last is None else last.last if include_high else last.first,
            include_low,
            include_high,
        )

    def duration(self, node: luqum.Item | None) -> int | None:
        """Return the ns of a range's bound, None where it is open or has no unit."""
        match node:
            case luqum.Phrase():
                return find_duration(node.value[1:-1])
            case luqum.Word():
                return find_duration(_read_pattern(node.value).literal)
        return None

    def bound(self, node: luqum.Item | None, field: Field) -> Span | None:
        """Return the span of a range's bound, None where it is open."""
        match node:
            case None:
                return None
            case luqum.Phrase():
                return self.span(node, field, _Pattern(_ESCAPED.sub(r"\1", node.value[1:-1])))
            case luqum.Word():
                pattern = _read_pattern(node.value)
                return None if pattern.wildcard == "*" else self.span(node, field, pattern)
        raise self.error(node, "this cannot be the bound of a range", hint="put it in quotes")

    def span(self, node: luqum.Item, field: Field, pattern: _Pattern) -> Span:
        """Return what the value denotes in a field that has an order."""
        if pattern.wildcard is not None:
            raise self.error(node, "a wildcard cannot stand here: numbers and times are compared as a whole")
        if not pattern.literal:
            raise self.error(node, "this value is empty")
        try:
            return find_span(field, pattern.literal, self.now)
        except ValueError as error:
            raise self.error(node, str(error)) from error
