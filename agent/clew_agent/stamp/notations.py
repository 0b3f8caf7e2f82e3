"""How trace ids are written in text: one regular expression a notation; of a line's ids the first one counts.

They are searched in a whole chunk, mostly in lower case (`Text.lowered`), and none of them matches a line's end, so a
chunk gives what its lines give alone. Each begins with a literal, for which the engine has a fast search; what must
stand before it is asked behind it, by looking back. An id must have its key or its unmistakable form, and must end
where the match ends: 32 digits out of a longer number are no trace id.

The first one, because the ids of a line's own context stand in front of its message, which may tell of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from clew_agent.wire import canonical_transaction_id

from .text import Text

__all__ = ["BETWEEN", "IN_OBJECT", "NOTATIONS", "Notation", "begin", "find_trace_ids"]


class Notation(NamedTuple):
    """A way of writing a trace id; group 1 is the id, in a form that `canonical_transaction_id` knows."""

    name: str
    anchor: str
    """A literal in every match, see `Anchors`; empty: none that is rare."""
    pattern: re.Pattern[bytes]
    as_written: bool = False
    """It is searched in the bytes as they are, not in lower case."""


def begin(literal: str, *prefixes: str) -> str:
    r"""Return a pattern for the literal at the beginning of a word, or of one that begins with one of the prefixes.

    An escaped line end or tab before it is none of the word: Docker's json-file has `"log":"\\\\ttraceid=..."`.
    The word may be coloured by an ANSI sequence.
    """

    def starts_a_word(word: str) -> str:
        return rf"(?<![a-z0-9_-]{word})|(?<=\\[nrt]{word})|(?<=[0-9]m{word})"

    prefixed = [f"(?<={prefix}{literal})(?:{starts_a_word(prefix + literal)})" for prefix in prefixes]
    return f"{literal}(?:{'|'.join([starts_a_word(literal), *prefixed])})"


_QUOTES = r"""(?:["']|\\(?!u001b)){0,9}+"""
_COLOUR = r"(?:(?:\x1b|\\u001b)\[[0-9;]{0,9}m)?+"
# What stands between a key and its value: `=`, `: `, ` = `, `=>`, `":"`, `\":\"`, `:[`.
BETWEEN = rf"{_QUOTES}{_COLOUR}(?:[ \t]?:[ \t]?|[ \t]=>?[ \t]|=>?){_COLOUR}\[?{_QUOTES}"
# An object by that key, and in it `id`.
IN_OBJECT = rf"{_QUOTES}[ \t]?:[ \t]?\{{[ \t]?{_QUOTES}"

_DIGITS = 32
_HEX_16 = "[0-9a-f]{16}"
_HEX_32 = "[0-9a-f]{32}"
# Not in a longer word or number; a span id may follow (`<trace>-<span>`, as B3 and Spring write it).
_AFTER_ID = rf"(?![0-9a-z_]|-(?!{_HEX_16}(?![0-9a-z])))"
_NOT_ZERO = "(?!0++(?![0-9a-f]))"
_XRAY = "1-[0-9a-f]{8}-[0-9a-f]{24}"
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = rf"{_NOT_ZERO}({_HEX_32}|{_HEX_16}|[0-9]{{17,39}}|{_UUID}|{_XRAY}){_AFTER_ID}"

_TRACE = begin(
    "trace",
    *("otel", "otel_", "dd_", "x-", "x_", "http_x_", "b3-", "x-b3-", "x_b3_", "http_x_b3_", "uber-", "http_uber_"),
    *("amzn-", "x-amzn-", "x_amzn_", "http_x_amzn_", "_x_amzn_", "xray_", "aws_xray_"),
    *("cloud-", "x-cloud-", "x_cloud_", "http_x_cloud_", "x-datadog-", "x_datadog_"),
)
# A load balancer of AWS writes its own id in front of the trace's.
_XRAY_FIELDS = rf"(?:self={_XRAY};[ \t]?)?(?:root=)?"


def _notation(name: str, anchor: str, pattern: str, *, as_written: bool = False) -> Notation:
    return Notation(name, anchor, re.compile(pattern.encode("ascii")), as_written)


NOTATIONS = (
    _notation("w3c", "00-", rf"{begin('00-')}(?!0{{32}})({_HEX_32})-(?!0{{16}}){_HEX_16}-[0-9a-f]{{2}}(?![0-9a-z_-])"),
    _notation(
        "key",
        "rac",
        rf"{_TRACE}(?:(?:(?:[-_. ]?|{IN_OBJECT})id|[-_]context){BETWEEN}{_XRAY_FIELDS}"
        rf"|{BETWEEN}projects/[^\s/\"]{{1,64}}/traces/){_ID}",
    ),
    _notation(
        "bracket",
        "",
        rf"\[(?:(?:[A-Za-z][-A-Za-z0-9_./]{{0,63}}+)?,[ ]?(?=[0-9a-f]++,)|(?={_HEX_32}-))"
        rf"{_NOT_ZERO}({_HEX_32}|{_HEX_16})(?:,[ ]?|-){_HEX_16}(?:,[ ]?(?:true|false)?)?\]",
        # All that writes it writes lower case, and there is no rare literal in it: this spares most chunks the copy.
        as_written=True,
    ),
    _notation("xray", "t=1-", rf"{begin('root=')}({_XRAY})(?![0-9a-z_-])"),
    _notation("b3", "b3", rf"{begin('b3')}{BETWEEN}{_NOT_ZERO}({_HEX_32}|{_HEX_16})-{_HEX_16}(?![0-9a-z_])"),
)


def find_trace_ids(text: Text, notations: Iterable[Notation]) -> dict[int, str]:
    """Return line number -> 32 hex digits of the first trace id that the line has in any of the notations."""
    places: list[tuple[int, str]] = []
    for notation in notations:
        searched = text.payload if notation.as_written else text.lowered
        places += [(match.start(), match[1].decode("ascii")) for match in notation.pattern.finditer(searched)]
    # From the last to the first: of a line's ids the first one remains.
    places.sort(reverse=True)
    values = [value for _, value in places]
    known = {value: value if len(value) == _DIGITS else canonical_transaction_id(value) for value in set(values)}
    lines = text.lines_at([place for place, _ in places])
    return {line: canonical for line, value in zip(lines, values, strict=True) if (canonical := known[value])}
