"""Tokens as the analyzer takes them: it splits at spaces, and cuts what is longer than `LONG`. Pure.

A longer token is stood for by a word of its own (its hash, in characters that no token has, so that a pattern with a
letter never meets it) and stands itself among the keywords of `long_words`.
"""

from __future__ import annotations

from hashlib import blake2b

from clew_collector.store.expression import tokens

__all__ = ["LONG", "spaced", "stand_in", "words_of"]

LONG = 200
"""Lucene's whitespace analyzer splits words of more than 255 UTF-16 units, and takes patterns of 1,000 bytes."""
_PRIVATE = 0xE000
"""Where Unicode's private use area begins: none of it is a letter or digit."""
# For ASCII, which nearly everything is, one pass in C does what `tokens` does.
_LOWER = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}


def _has_long_word(text: str) -> bool:
    """Return whether more than `LONG` characters follow each other without a space, by a look at each stretch."""
    begin, end = 0, len(text)
    while end - begin > LONG:
        space = text.rfind(" ", begin, begin + LONG + 1)
        if space < 0:
            return True
        begin = space + 1
    return False


def _is_long(token: str) -> bool:
    return len(token) > LONG or (not token.isascii() and len(token.encode("utf-16-le")) > 2 * LONG)


def stand_in(token: str) -> str:
    """Return the word that stands for a long token: `LONG` characters, so that hardly any pattern counts them."""
    digest = blake2b(token.encode(), digest_size=40).digest()
    word = "".join(chr(_PRIVATE + byte) for byte in digest)
    return "_" + word.ljust(LONG - 1, chr(_PRIVATE))


def spaced(text: str, long_words: list[str], kind: str) -> str:
    """Return a text's tokens with spaces between; long ones are added to `long_words`, after `kind`."""
    if text.isascii():
        lower = text.translate(_LOWER)
        if not _has_long_word(lower):
            return lower
    found = tokens(text)
    if any(map(_is_long, found)):
        long_words += (kind + token for token in found if _is_long(token))
        return " ".join(stand_in(token) if _is_long(token) else token for token in found)
    return " ".join(found)


def words_of(values: tuple[str, ...]) -> list[str]:
    """Return the words to ask for to find these values' tokens in a row."""
    return [stand_in(token) if _is_long(token) else token for value in values for token in tokens(value)]
