"""Whether a line names a service: the strongest hint at a call that a text can give."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clew_collector.event import Event

__all__ = ["names", "telling_words", "words_of"]

_WORD = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+")
_CHARACTERS_MAX = 400
_LETTERS_MIN = 3
_GENERIC = frozenset({"api", "app", "backend", "server", "service", "svc", "the"})


def words_of(event: Event) -> frozenset[str]:
    """Return the words of the message and of its text attributes (URLs stand there), camelCase taken apart."""
    texts = [event.body[:_CHARACTERS_MAX]]
    texts += [value[:_CHARACTERS_MAX] for value in event.attributes.values() if isinstance(value, str)]
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text) if len(word) >= _LETTERS_MIN)


def telling_words(services: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return for each service the words of its name that tell it apart: neither generic nor in everybody's name."""
    words = {service: frozenset(word.lower() for word in _WORD.findall(service)) for service in services}
    shared = frozenset.intersection(*words.values()) if len(words) > 1 else frozenset()
    return {
        service: frozenset(word for word in own - shared - _GENERIC if len(word) >= _LETTERS_MIN)
        for service, own in words.items()
    }


def names(line: frozenset[str], service: frozenset[str]) -> bool:
    """Return whether a word of the line is or begins with a telling word (`orders`: `order-service`), or reverse."""
    if line & service:
        return True
    return any(a.startswith(b) or (len(b) > _LETTERS_MIN and b.startswith(a) and len(a) > _LETTERS_MIN)
               for a in line for b in service)  # fmt: skip
