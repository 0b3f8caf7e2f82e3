"""Reads a line of text by the tables of clocks and layouts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .clocks import CLOCKS, Calendar, Clock, Moment
from .layouts import ATTRIBUTES, NUMBERS, Layout
from .logfmt import LogfmtReader
from .reading import Reading
from .severity import SYSLOG_SEVERITIES, severity_of_word
from .shapes import Candidates, first_three, first_two_words
from .structured_data import read_structured_data
from .tails import TAILS
from .timestamps import epoch_number_ns
from .whole_lines import WHOLE_LINES

__all__ = ["TextReader"]

_FLAGS = re.ASCII | re.DOTALL | re.VERBOSE
_INTEGER_DIGITS_MAX = 18
# Behind a clock that no layout continues.
_PUNCTUATION = re.compile(r"[:,;-]\s+")
# Daemons name the level in front of the message where syslog shows none (OpenSSH: `error: ...`).
_LEVEL_PREFIX = re.compile(
    r"(emerg|alert|crit|error|err|warning|warn|notice|info|debug\d?|fatal|panic): ", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A layout, compiled: where each part stands in `match.groups()`, -1 where there is none."""

    name: str
    match: Callable[..., re.Match[str] | None]
    ends: str
    levels: dict[str, int]
    level: int
    message: int
    time: int
    priority: int
    rest: int
    structured: int
    attributes: tuple[tuple[int, str, bool], ...]


@dataclass(frozen=True, slots=True)
class _Lead:
    """A clock that a line begins with, and the tails that may follow it."""

    clock: Clock
    match: Callable[..., re.Match[str] | None]
    tails: Candidates[_Row]


class TextReader:
    """Reads text lines into a `Reading`. Holds compiled tables and memory of pure functions only."""

    def __init__(
        self,
        clocks: Sequence[Clock] = CLOCKS,
        tails: Sequence[Layout] = TAILS,
        whole_lines: Sequence[Layout] = WHOLE_LINES,
        *,
        logfmt: LogfmtReader,
    ) -> None:
        self._logfmt = logfmt
        rows = [(tail, _compile_row(tail)) for tail in tails]
        self._openings: Candidates[_Lead | _Row] = Candidates(
            [
                *((_compile_lead(clock, rows), _with_bracket(clock.examples)) for clock in clocks),
                *((_compile_row(layout), (*layout.examples, *layout.begins)) for layout in whole_lines),
            ],
            first_three,
        )
        self._clocks: Candidates[tuple[Clock, Callable[..., re.Match[str] | None]]] = Candidates(
            [((clock, re.compile(clock.pattern, _FLAGS).fullmatch), clock.examples) for clock in clocks if clock.dated],
            first_three,
        )

    def read(self, reading: Reading, text: str, calendar: Calendar) -> None:
        """Fill the reading from the text; what no layout knows is left as the body."""
        if text[:1].isalpha() and self._logfmt.read(reading, text, self.moment, calendar):
            return
        for opening in self._openings.of(text):
            if isinstance(opening, _Lead):
                if self._read_dated(reading, text, opening, calendar):
                    return
            elif (match := opening.match(text)) and self._fill(reading, match, opening, calendar):
                return
        reading.body = text

    def moment(self, text: str, calendar: Calendar) -> Moment:
        """Return the time of a text that is nothing but a time, in any clock's notation or as an epoch number."""
        for clock, match in self._clocks.of(text):
            if found := match(text):
                return clock.read(found, calendar)
        at = epoch_number_ns(text) if len(text) >= 9 else None
        return at, at is not None

    def _read_dated(self, reading: Reading, text: str, lead: _Lead, calendar: Calendar) -> bool:
        opened = lead.match(text)
        if opened is None:
            return False
        clock = lead.clock
        end = opened.end()
        rest = text[end:]
        for row in lead.tails.of(rest):
            if row.ends and not rest.endswith(row.ends):
                continue
            if (match := row.match(rest)) and self._fill(reading, match, row, calendar):
                break
        else:
            if not clock.alone:
                return False
            if not (rest[:1].isalpha() and self._logfmt.read(reading, rest, self.moment, calendar)):
                punctuation = _PUNCTUATION.match(rest)
                reading.body = rest[punctuation.end() :] if punctuation else rest
        if not clock.dated:
            reading.time_of_day = text[:end].strip("[]() \t|")
            return True
        reading.timestamp, reading.zoned = clock.read(opened, calendar)
        if reading.timestamp is None:
            # No calendar has this time: nothing of the line may get lost.
            reading.body = text
        elif clock.name == "syslog" and not reading.severity_number:
            prefix = _LEVEL_PREFIX.match(reading.body)
            if prefix:
                reading.severity_number, reading.severity_text = severity_of_word(prefix[1]), prefix[1]
        return True

    def _fill(self, reading: Reading, match: re.Match[str], row: _Row, calendar: Calendar) -> bool:
        """Take the parts of a match; False, and nothing taken, if its level is no level."""
        parts = match.groups()
        if row.level >= 0:
            word = parts[row.level]
            number = row.levels.get(word, 0) if row.levels else severity_of_word(word)
            if not number:
                return False
            reading.severity_number, reading.severity_text = number, word
        for at, key, is_number in row.attributes:
            value = parts[at]
            if value and value != "-":
                reading.attributes[key] = (
                    int(value) if is_number and value.isdigit() and len(value) <= _INTEGER_DIGITS_MAX else value
                )
        reading.body = (parts[row.message] or "") if row.message >= 0 else match.string
        if row.time >= 0:
            reading.timestamp, reading.zoned = self.moment(parts[row.time], calendar)
            if reading.timestamp is None and parts[row.time] != "-":
                reading.body = match.string
        if row.structured >= 0 and parts[row.structured] != "-":
            read_structured_data(reading, parts[row.structured])
        if row.rest >= 0:
            self.read(reading, parts[row.rest], calendar)
        if row.priority >= 0 and not reading.severity_number:
            reading.severity_number = SYSLOG_SEVERITIES[int(parts[row.priority]) & 7]
        return True


def _with_bracket(examples: tuple[str, ...]) -> tuple[str, ...]:
    return (*examples, *(f"[{example}" for example in examples))


def _compile_lead(clock: Clock, rows: Sequence[tuple[Layout, _Row]]) -> _Lead:
    allowed = [(tail, row) for tail, row in rows if not tail.after or clock.name in tail.after]
    return _Lead(
        clock=clock,
        match=re.compile(rf"\[?(?:{clock.pattern})(?=[\s\],|;:)]|$)[\])]?[\s|]*", _FLAGS).match,
        tails=Candidates([(row, (*tail.examples, *tail.begins)) for tail, row in allowed], first_two_words),
    )


def _compile_row(layout: Layout) -> _Row:
    pattern = re.compile(layout.pattern, _FLAGS)
    place = {name: number - 1 for name, number in pattern.groupindex.items()}
    return _Row(
        name=layout.name,
        match=pattern.fullmatch,
        ends=layout.ends,
        levels=layout.levels,
        level=place.get("level", -1),
        message=place.get("message", -1),
        time=place.get("time", -1),
        priority=place.get("priority", -1),
        rest=place.get("rest", -1),
        structured=place.get("structured", -1),
        attributes=tuple((at, ATTRIBUTES[name], name in NUMBERS) for name, at in place.items() if name in ATTRIBUTES),
    )
