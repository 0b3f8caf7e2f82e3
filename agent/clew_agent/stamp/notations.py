"""How trace ids are written in text: one regular expression a notation, in the order in which they are believed.

They are searched in a whole chunk in lower case (`Text.lowered`), and none of them matches a line's end, so a chunk
gives what its lines give alone. Each begins with a literal, for which the engine has a fast search; what must stand
before it is asked behind it, by looking back. An id must have its key or its unmistakable form, and must end where the
match ends: 32 digits out of a longer number are no trace id.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from clew_agent.wire import canonical_transaction_id

from .text import Text

__all__ = ["BETWEEN", "IN_OBJECT", "NOTATIONS", "Notation", "begin", "find_trace_ids"]


class Notation(NamedTuple):
    """A way of writing a trace id; group 1 is the id, in a form that `canonical_transaction_id` knows."""

    name: str
    pattern: re.Pattern[bytes]


def begin(literal: str, *prefixes: str) -> str:
    r"""Return a pattern for the literal at the beginning of a word, or behind one of the prefixes.

    An escaped line end or tab before it is none of the word: Docker's json-file has `"log":"\\\\ttraceid=..."`.
    The word may be coloured by an ANSI sequence.
    """
    behind = [rf"(?<![a-z0-9_-]{literal})", rf"(?<=\\[nrt]{literal})", rf"(?<=[0-9]m{literal})"]
    return f"{literal}(?:{'|'.join([*behind, *(f'(?<={prefix}{literal})' for prefix in prefixes)])})"


_QUOTES = r"""[\\"']{0,9}+"""
_COLOUR = r"(?:(?:\x1b|\\u001b)\[[0-9;]{0,9}m)?+"
# What stands between a key and its value: `=`, `: `, ` = `, `=>`, `":"`, `\":\"`, `:[`.
BETWEEN = rf"{_QUOTES}{_COLOUR}(?:[ \t]?:[ \t]?|[ \t]=>?[ \t]|=>?){_COLOUR}\[?{_QUOTES}"
# An object by that key, and in it `id`.
IN_OBJECT = rf"{_QUOTES}[ \t]?:[ \t]?\{{[ \t]?{_QUOTES}"

_HEX_16 = "[0-9a-f]{16}"
_HEX_32 = "[0-9a-f]{32}"
# Not in a longer word or number; a span id may follow (`<trace>-<span>`, as B3 and Spring write it).
_AFTER_ID = rf"(?![0-9a-z_]|-(?!{_HEX_16}(?![0-9a-z])))"
_NOT_ZERO = "(?!0++(?![0-9a-f]))"
_XRAY = "1-[0-9a-f]{8}-[0-9a-f]{24}"
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = rf"{_NOT_ZERO}({_HEX_32}|{_HEX_16}|[0-9]{{17,39}}|{_UUID}|{_XRAY}){_AFTER_ID}"

_TRACE = begin("trace", "otel", "otel_", "dd_", "b3-", "amzn-", "uber-", "cloud-", "xray_", "x-", "x_")


def _notation(name: str, pattern: str) -> Notation:
    return Notation(name, re.compile(pattern.encode("ascii")))


NOTATIONS = (
    _notation("w3c", rf"{begin('00-')}(?!0{{32}})({_HEX_32})-(?!0{{16}}){_HEX_16}-[0-9a-f]{{2}}(?![0-9a-z_-])"),
    _notation(
        "key",
        rf"{_TRACE}(?:(?:(?:[-_. ]?|{IN_OBJECT})id|-context){BETWEEN}(?:root=)?"
        rf"|{BETWEEN}projects/[^\s/\"]{{1,64}}/traces/){_ID}",
    ),
    _notation(
        "bracket",
        rf"\[(?:(?:[a-z][^\[\],\"\\\n]{{0,63}})?,(?=[0-9a-f]+,)|(?=[0-9a-f]{{32}}-))"
        rf"{_NOT_ZERO}({_HEX_32}|{_HEX_16})[,-]{_HEX_16}(?:,(?:true|false)?)?\]",
    ),
    _notation("xray", rf"{begin('root=')}({_XRAY})(?![0-9a-z_-])"),
    _notation("b3", rf"{begin('b3')}{BETWEEN}{_NOT_ZERO}({_HEX_32}|{_HEX_16})-{_HEX_16}(?![0-9a-z_])"),
)


def find_trace_ids(text: Text, notation: Notation) -> dict[int, bytes]:
    """Return line number -> 32 hex digits of the first trace id that the line has in this notation."""
    matches = list(notation.pattern.finditer(text.lowered))
    lines = text.lines_at([match.start() for match in matches])
    values = [match[1] for match in matches]
    # From the last to the first: of a line's ids the first one remains.
    if set(map(len, values)) <= {32}:
        return dict(zip(reversed(lines), reversed(values), strict=True))
    known = {value: canonical_transaction_id(value.decode("ascii")) for value in set(values)}
    pairs = ((line, known[value]) for line, value in zip(reversed(lines), reversed(values), strict=True))
    return {line: canonical.encode("ascii") for line, canonical in pairs if canonical}
