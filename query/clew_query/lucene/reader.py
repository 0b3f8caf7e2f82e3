"""From text to luqum's tree: our few additions to the syntax are made in the stream of tokens, before its parser.

- words side by side are joined by AND, with AND's precedence (`a b OR c d` is `(a AND b) OR (c AND d)`);
- `field>=value`, with or without spaces, is `field:>=value`;
- `!`, `&&`, `||` are NOT, AND, OR;
- a minus where a value is expected belongs to the value (`offset>-1`, `x:[-5 TO 5]`);
- a time's zone may have a colon (`time>=2023-01-29T08:00:00+02:00`);
- fuzzy words, proximity, boosts and regular expressions end in a QueryError.
"""

from __future__ import annotations

import re
from collections import deque
from threading import Lock
from typing import Any

from luqum.exceptions import IllegalCharacterError, ParseError
from luqum.head_tail import TokenValue
from luqum.parser import lexer as luqum_lexer
from luqum.parser import parser as luqum_parser
from luqum.tree import Item
from ply.lex import LexToken  # type: ignore[import-untyped]

from clew_query.errors import QueryError

__all__ = ["QUERY_CHARACTERS_MAX", "read_tree"]

QUERY_CHARACTERS_MAX = 8192

_ENDS = frozenset({"TERM", "PHRASE", "RPAREN", "RBRACKET", "TO"})
_BEGINS = frozenset({"TERM", "PHRASE", "LPAREN", "LBRACKET", "PLUS", "MINUS", "NOT", "LESSTHAN", "GREATERTHAN", "TO"})
_COMPARISONS = frozenset({"LESSTHAN", "GREATERTHAN"})
_COMPARED_FIELD = re.compile(r"([\w@](?:[\w.@-]*\w)?)[<>]")
_FIELD = re.compile(r"[\w@](?:[\w.@-]*\w)?")
_HOUR_OF_ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?[+-]\d\d")
_MINUTE_OF_ZONE = re.compile(r":\d\d(?!\S)|:\d\d(?=[\])}])")
_SYMBOLS = {"&&": "AND_OP", "||": "OR_OP"}
_UNSUPPORTED = {
    "APPROX": ("`~` (fuzzy words, proximity) is not supported", "use a wildcard (`tim?out`, `time*`) or OR"),
    "BOOST": ("`^` (boosts) is not supported", "results are in order of time, so a weight changes nothing"),
    "REGEX": ("regular expressions are not supported", "put a text with slashes in quotes, or use wildcards"),
}
_ILLEGAL = {
    '"': ("this quote is not closed", 'close it, or write \\" for a quote that is meant'),
    "'": ("a word cannot begin with `'`", 'use double quotes: "..."'),
    "/": ("this `/` begins a regular expression, which is not supported", "put a text with slashes in quotes"),
    "\\": ("nothing follows this backslash", "write \\\\ for a backslash that is meant"),
}

# PLY keeps a parse's state in the parser object: https://github.com/jurismarches/luqum/issues/72
_parser_lock = Lock()


def read_tree(text: str) -> Item | None:
    """Return luqum's tree of the query, None for an empty one; QueryError with the position of what is wrong."""
    if len(text) > QUERY_CHARACTERS_MAX:
        raise QueryError(
            f"the query has {len(text)} characters, at most {QUERY_CHARACTERS_MAX} are taken",
            position=QUERY_CHARACTERS_MAX,
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QueryError("this is not text: it cannot be written as UTF-8", position=error.start) from error
    if not text.strip():
        return None
    tokens = _Tokens(text)
    with _parser_lock:
        try:
            tree: Item = luqum_parser.parse(text, lexer=tokens)
        except IllegalCharacterError as error:
            position = tokens.position
            message, hint = _ILLEGAL.get(text[position], (f"`{text[position]}` is not expected here", ""))
            raise QueryError(message, position=position, hint=hint) from error
        except ParseError as error:
            raise _syntax_error(text, tokens.last) from error
    return tree


def _syntax_error(text: str, token: LexToken | None) -> QueryError:
    if token is None:
        return QueryError(
            "the query ends where a value is expected, or a parenthesis is not closed", position=len(text)
        )
    word = text[token.lexpos : token.lexpos + token.value.size]
    return QueryError(f"`{word}` is not expected here", position=token.lexpos, hint="put a text in quotes")


class _Tokens:
    """luqum's lexer with our additions; what PLY calls a lexer: `input` and `token`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lexer = luqum_lexer.clone()
        self._waiting: deque[LexToken] = deque()
        self._given: deque[LexToken | None] = deque([None, None], maxlen=2)
        self._in_range = False

    @property
    def last(self) -> LexToken | None:
        """The token that the parser looked at last; None at the end."""
        return self._given[-1]

    @property
    def position(self) -> int:
        """Where the lexer stands."""
        return int(self._lexer.lexpos)

    def input(self, text: str) -> None:
        """Begin; PLY calls it once."""
        self._lexer.input(text)

    def token(self) -> LexToken | None:
        """Return the next token, None at the end."""
        token = self._waiting.popleft() if self._waiting else self._read()
        if token is not None and (joint := self._joint(token)) is not None:
            self._waiting.appendleft(token)
            token = joint
        if token is not None and token.type in {"LBRACKET", "RBRACKET"}:
            self._in_range = token.type == "LBRACKET"
        self._given.append(token)
        return token

    def _joint(self, token: LexToken) -> LexToken | None:
        """Return what is unsaid between the last token and this one, if anything."""
        before, last = self._given
        if last is None or self._in_range or last.type not in _ENDS or token.type not in _BEGINS:
            return None
        if token.type in _COMPARISONS and _is_field(last) and (before is None or before.type != "COLUMN"):
            return _make("COLUMN", ":", token.lexpos)
        return _make("AND_OP", "AND", token.lexpos)

    def _read(self) -> LexToken | None:
        token = self._lexer.token()
        if token is None:
            return None
        if token.type in _UNSUPPORTED:
            message, hint = _UNSUPPORTED[token.type]
            raise QueryError(message, position=token.lexpos, hint=hint)
        if token.type == "MINUS" and self._value_expected():
            return self._negative(token)
        if token.type == "TERM":
            return self._term(token)
        return token

    def _value_expected(self) -> bool:
        last = self.last
        return last is not None and (last.type == "COLUMN" or last.type in _COMPARISONS or self._in_range)

    def _negative(self, minus: LexToken) -> LexToken:
        following = self._lexer.token()
        if following is not None and following.type == "TERM" and following.lexpos == minus.lexpos + 1:
            return _change(following, "-" + following.value.value, minus.lexpos)
        if following is not None:
            self._lexer.lexpos = following.lexpos
        return minus

    def _term(self, token: LexToken) -> LexToken:
        raw: str = token.value.value
        if raw in _SYMBOLS:
            return _make(_SYMBOLS[raw], raw, token.lexpos)
        if raw.startswith("!"):
            self._lexer.lexpos = token.lexpos + 1
            return _make("NOT", "!", token.lexpos)
        if not self._value_expected() and (compared := _COMPARED_FIELD.match(raw)):
            self._lexer.lexpos = token.lexpos + compared.end(1)
            return _change(token, compared[1], token.lexpos)
        if _HOUR_OF_ZONE.fullmatch(raw) and (minute := _MINUTE_OF_ZONE.match(self._text, self.position)):
            self._lexer.lexpos = minute.end()
            return _change(token, raw + minute[0], token.lexpos)
        return token


def _is_field(token: LexToken) -> bool:
    return token.type == "TERM" and _FIELD.fullmatch(token.value.value) is not None


def _make(kind: str, text: str, position: int) -> LexToken:
    value = TokenValue(text)
    value.pos, value.size = position, len(text)
    return _fill(LexToken(), kind, value, position)


def _change(token: LexToken, raw: str, position: int) -> LexToken:
    token.value.value, token.value.pos, token.value.size = raw, position, len(raw)
    return _fill(token, "TERM", token.value, position)


def _fill(token: LexToken, kind: str, value: Any, position: int) -> LexToken:
    token.type, token.value, token.lexpos, token.lineno = kind, value, position, 1
    return token
