"""Where a message stood first: written in a header, read back, and nothing else taken for it."""

from __future__ import annotations

import pytest

from clew_collector.foreign import ORIGIN_HEADER, Origin


def test_what_is_written_is_read_back() -> None:
    origin = Origin("shop.logs", 11, 4_711, 1_795_478_400_123)
    assert Origin.found([("other", b"1"), origin.header]) == origin


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"t",
        b"t/1/2",
        b"t/1/2/3/4",
        b"t/-1/2/3",
        b"t/1/x/3",
        b"\xff/1/2/3",
        b"a b/1/2/3",
        b"t/1/" + b"9" * 16,
    ],
)
def test_anything_else_is_no_origin(value: bytes | None) -> None:
    assert Origin.found([(ORIGIN_HEADER, value)]) is None


def test_without_the_header_there_is_none() -> None:
    assert Origin.found([]) is None
