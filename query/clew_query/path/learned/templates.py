"""Line templates: lines that one statement of a program wrote get one kind, learned by merging what looks alike.

As Drain does (He et al., ICWS 2017): lines of one service and logger whose words agree in most positions are one
template; what differs becomes a wildcard. Two things matter for paths. A wildcard counts as no match, else everything
melts together. And what had a digit never merges with a plain word: a value in one line and a word in the other are
different statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from clew_collector.event import Event

__all__ = ["UNSEEN", "Templates", "line_text"]

UNSEEN = 0
"""The kind of a line of a service that was never seen. Other lines that no template fits have their service's rest."""

SIMILARITY_MIN = 0.6
TOKENS_MAX = 16
VALUES_MAX = 3
VARIETY_MIN = 5
"""Plain words in one position that make it a value: `started` and `ended` are two statements, city names are one."""
CHARACTERS_MAX = 300
TEMPLATES_MAX = 20_000
GROUP_MAX = 200
"""Templates that begin with the same words; a service that writes free text must not cost quadratic time."""
TEXTS_MAX = 100_000
STATEMENT_TEXTS_MAX = 200
"""Different texts of one place in the code that are looked at."""
ORIGIN_TEXTS_MAX = 20_000

_PIECE = re.compile(r"""[^\s,;:=()\[\]{}<>"'|/?&]+|[:=]""")
_DIGIT = re.compile(r"\d")
_STATEMENT = ("code.file.path", "code.function.name", "code.line.number")
_STATED = "@"
_ANY = "*"
_REST = "\0"
"""The origin of a service's rest."""


def line_text(event: Event) -> tuple[str, str]:
    """Return what tells the line's origin (logger, place in the code, where the format shows them) and its message."""
    origin = [str(event.attributes.get("logger") or event.attributes.get("name") or "")]
    origin += [_STATED + str(event.attributes[key]) for key in _STATEMENT if key in event.attributes]
    return " ".join(origin), event.body[:CHARACTERS_MAX]


def tokens_of(text: str) -> tuple[str, ...]:
    """Return the first words with values masked: what has a digit, what follows `:` or `=`.

    Masked words in a row are one, and it ends before the third value: lists are of any length.
    """
    found: list[str] = []
    values, after = 0, False
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece in ":=":
            after = True
            continue
        if after or _DIGIT.search(piece):
            if not found or found[-1] != _ANY:
                values += 1
                if values == VALUES_MAX:
                    break
                found.append(_ANY)
        else:
            found.append(piece)
            if len(found) == TOKENS_MAX:
                break
        after = False
    return tuple(found)


@dataclass(slots=True)
class Templates:
    """Kinds count from 1; `UNSEEN` is none of them. Grows while it is fitted, then only reads."""

    services: list[str] = field(default_factory=lambda: [""])
    """For each kind the service that writes it."""
    words: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    """For each kind its words; `*` where lines differ or had a value."""
    origins: list[str] = field(default_factory=lambda: [""])
    _rest: dict[str, int] = field(default_factory=dict)
    _groups: dict[tuple[str, str, str, int], list[int]] = field(default_factory=dict)
    _texts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _shapes: dict[tuple[str, str, tuple[str, ...]], int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.words)

    def fit(self, events: Iterable[Event]) -> None:
        """Learn from these lines; what was learned before stays."""
        shapes: dict[tuple[str, str, tuple[str, ...]], None] = {}
        texts: dict[tuple[str, str], set[str]] = {}
        for event in events:
            origin, text = line_text(event)
            known = texts.setdefault((event.service, origin), set())
            if text in known or len(known) >= (STATEMENT_TEXTS_MAX if _STATED in origin else ORIGIN_TEXTS_MAX):
                continue
            known.add(text)
            shapes.setdefault((event.service, origin, tokens_of(text)))
        groups: dict[tuple[str, str, str, int], list[tuple[str, ...]]] = {}
        for service, origin, tokens in shapes:
            groups.setdefault(_group(service, origin, tokens), []).append(tokens)
        for key in sorted(groups):
            for words in _clusters(sorted(groups[key])[:GROUP_MAX], single_statement=_STATED in key[1]):
                self._add(key, words)
        for service in sorted({service for service, _ in texts}):
            if service not in self._rest:
                self._add((service, _REST, "", 0), ())
        self.restore()

    def kinds(self, events: Sequence[Event]) -> list[int]:
        """Return the kind of each line."""
        return [self.kind(event.service, *line_text(event)) for event in events]

    def kind(self, service: str, origin: str, text: str) -> int:
        """Return the kind of a line: the template that fits best, else its service's rest, else UNSEEN."""
        key = (service, origin, text)
        known = self._texts.get(key)
        if known is None:
            tokens = tokens_of(text)
            shape = (service, origin, tokens)
            known = self._shapes.get(shape)
            if known is None:
                if len(self._shapes) >= TEXTS_MAX:
                    self._shapes.clear()
                known = self._shapes[shape] = self._best(service, origin, tokens)
            if len(self._texts) >= TEXTS_MAX:
                self._texts.clear()
            self._texts[key] = known
        return known

    def forget(self) -> None:
        """Forget what was remembered of single texts."""
        self._texts.clear()
        self._shapes.clear()

    def restore(self) -> None:
        """Make the index of templates anew, after they were loaded."""
        self.forget()
        self._groups.clear()
        self._rest.clear()
        for kind in range(1, len(self.words)):
            if self.origins[kind] == _REST:
                self._rest[self.services[kind]] = kind
                continue
            key = _group(self.services[kind], self.origins[kind], self.words[kind])
            self._groups.setdefault(key, []).append(kind)

    def _add(self, key: tuple[str, str, str, int], words: tuple[str, ...]) -> None:
        group = self._groups.setdefault(key, [])
        if len(self.words) < TEMPLATES_MAX and all(self.words[kind] != words for kind in group):
            group.append(len(self.words))
            self.services.append(key[0])
            self.origins.append(key[1])
            self.words.append(tuple(word.encode(errors="replace").decode() for word in words))

    def _best(self, service: str, origin: str, tokens: tuple[str, ...]) -> int:
        best, most = self._rest.get(service, UNSEEN), (SIMILARITY_MIN, -1)
        for kind in self._groups.get(_group(service, origin, tokens), ()):
            likeness = similarity(self.words[kind], tokens)
            if likeness > most:
                best, most = kind, likeness
        return best


def _group(service: str, origin: str, tokens: tuple[str, ...]) -> tuple[str, str, str, int]:
    return service, origin, tokens[0] if tokens else "", len(tokens)


def _clusters(shapes: list[tuple[str, ...]], *, single_statement: bool) -> list[tuple[str, ...]]:
    """Return templates for shapes of one length: alike ones merge, save where few words take turns in a position."""
    merged: list[tuple[str, ...]] = []
    members: list[list[tuple[str, ...]]] = []
    for tokens in shapes:
        best, most = -1, (SIMILARITY_MIN, -1)
        for at, template in enumerate(merged):
            likeness = similarity(template, tokens)
            if likeness > most:
                best, most = at, likeness
        if best >= 0:
            merged[best] = tuple(a if a == b else _ANY for a, b in zip(merged[best], tokens, strict=True))
            members[best].append(tokens)
        else:
            merged.append(tokens)
            members.append([tokens])
    if single_statement:
        return merged
    found: dict[tuple[str, ...], None] = {}
    for template, own in zip(merged, members, strict=True):
        few = [a == _ANY and len({tokens[at] for tokens in own}) < VARIETY_MIN for at, a in enumerate(template)]
        for tokens in own:
            found.setdefault(tuple(t if keep else a for a, t, keep in zip(template, tokens, few, strict=True)))
    return list(found)


def similarity(template: tuple[str, ...], tokens: tuple[str, ...]) -> tuple[float, int]:
    """Return the share of positions that agree, of those where the template has a word, and how many; 0 if never."""
    fixed = same = 0
    for a, b in zip(template, tokens, strict=True):
        if a == _ANY:
            continue
        if b == _ANY:
            return 0.0, 0  # a value here, a word there: two statements
        fixed += 1
        same += a == b
    return (same / fixed if fixed else 1.0), same
