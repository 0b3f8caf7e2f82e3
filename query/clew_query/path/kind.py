"""The kind of a line: what is left of it when the values are taken out."""

from __future__ import annotations

import re

from clew_collector.event import Event

__all__ = ["line_kind"]

_VALUE = re.compile(r"(?<=[:=])\s*[^\s,;\])}]+|\S*\d\S*")
"""What follows `key:` or `key=`, and whatever has a digit in it."""
_WORD = re.compile(r"[^\W\d_]+")
_WORDS_MAX = 12
"""Programs say early what a line is about and put values late."""
_CHARACTERS_MAX = 400


def line_kind(event: Event) -> tuple[str, ...]:
    """Return the logger and the first words of the message that are no values (ids, times, what follows `:`)."""
    words = _WORD.findall(_VALUE.sub(" ", event.body[:_CHARACTERS_MAX]))
    return (str(event.attributes.get("logger", "")), *words[:_WORDS_MAX])
