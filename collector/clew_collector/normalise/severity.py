"""Severity words and numbers of many loggers, as OpenTelemetry's severity numbers (log data model, Appendix B).

A word is looked up whatever its case; a number means something only together with the scale that it is on.
"""

from __future__ import annotations

from typing import Any

__all__ = ["NOT_A_SEVERITY", "SYSLOG_SEVERITIES", "severity_of_level", "severity_of_value", "severity_of_word"]

NOT_A_SEVERITY = 0

_WORDS_BY_NUMBER = {
    1: "trace trc finest verbose v silly",
    2: "trace2 debug5 debug4",
    3: "trace3 debug3",
    4: "trace4 debug2",
    5: "debug d dbg debug1 finer",
    6: "fine",
    7: "config",
    9: "info i inf information informational log note system",
    10: "notice n success info2",
    11: "info3",
    12: "info4",
    13: "warn w warning wrn",
    14: "warn2",
    15: "warn3",
    16: "warn4",
    17: "error e err eror severe",
    18: "crit dpanic error2",
    19: "alert error3",
    20: "error4",
    21: "fatal f ftl critical emerg emergency panic",
    22: "fatal2",
    23: "fatal3",
    24: "fatal4",
}
# `debug2` is more verbose than `debug1` to PostgreSQL and OpenSSH, the other way round to OpenTelemetry: theirs counts.
# CRITICAL is the top of Python's and .NET's scales; `crit` is syslog's word, with two above it.
_NUMBERS = {word: number for number, words in _WORDS_BY_NUMBER.items() for word in words.split()}

SYSLOG_SEVERITIES = (21, 19, 18, 17, 13, 10, 9, 5)
"""By syslog severity code, RFC 5424 section 6.2.1: 0 emergency ... 7 debug."""

_BUNYAN_SEVERITIES = (1, 5, 9, 13, 17, 21)
_PYTHON_SEVERITIES = (5, 9, 13, 17, 21)

# Loggers write a handful of spellings: each is folded once.
_seen: dict[str, int] = {}
_SEEN_MAX = 1_024


def severity_of_word(word: str) -> int:
    """Return the number of a severity word in any case (1-24), `NOT_A_SEVERITY` (0) if it is none."""
    number = _seen.get(word)
    if number is None:
        number = _NUMBERS.get(word.strip().lower(), NOT_A_SEVERITY)
        if len(_seen) >= _SEEN_MAX:
            _seen.clear()
        if len(word) < 16:
            _seen[word] = number
    return number


def severity_of_level(level: int) -> int:
    """Return the number of a numeric `level`: syslog's 0-7 (GELF, journald), bunyan's and pino's 10-69; else 0."""
    if 0 <= level <= 7:
        return SYSLOG_SEVERITIES[level]
    if 10 <= level <= 69:
        return _BUNYAN_SEVERITIES[level // 10 - 1]
    return NOT_A_SEVERITY


def severity_of_value(scale: str, value: Any) -> int:
    """Return the number of a level as it stands in structured data, on a `scale`; 0 if it is not a level.

    Scales: `word` (a word, or a number as in `severity_of_level`), `python` (`levelno`: 10 debug ... 50 critical),
    `syslog` (0-7), `otel` (1-24).
    """
    if isinstance(value, str):
        if scale == "word" and (number := severity_of_word(value)):
            return number
        if not (value.isdigit() and value.isascii() and len(value) < 4):
            return NOT_A_SEVERITY
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return NOT_A_SEVERITY
    match scale:
        case "word":
            return severity_of_level(value)
        case "python":
            return _PYTHON_SEVERITIES[value // 10 - 1] if 10 <= value <= 59 else NOT_A_SEVERITY
        case "syslog":
            return SYSLOG_SEVERITIES[value] if 0 <= value <= 7 else NOT_A_SEVERITY
        case _:
            return value if 1 <= value <= 24 else NOT_A_SEVERITY
