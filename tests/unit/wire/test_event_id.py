"""Event ids: the same line is the same event, another line another one, in the file's order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew_agent.wire import FILE_ID_BYTES, FINGERPRINT_BYTES_MAX, event_id, file_id, split_event_id

FILE: dict[str, Any] = {"host": "h1", "device": 2049, "inode": 4711, "generation": 0, "first_line": b"hello\n"}


def test_it_is_what_it_always_was() -> None:
    """With another hash every line that is read again would become another event."""
    assert file_id(**FILE).hex() == "2f0b5d3f791eb452712d"
    assert event_id(file_id(**FILE), 4096) == "2f0b5d3f791eb452712d000000001000"


@pytest.mark.parametrize(
    "other",
    [{"host": "h2"}, {"device": 2050}, {"inode": 4712}, {"generation": 1}, {"first_line": b"hello!\n"}],
    ids=lambda other: next(iter(other)),
)
def test_whatever_tells_files_apart_counts(other: dict[str, Any]) -> None:
    assert file_id(**{**FILE, **other}) != file_id(**FILE)


def test_fields_do_not_run_into_each_other() -> None:
    assert file_id(**{**FILE, "device": 1, "inode": 11}) != file_id(**{**FILE, "device": 11, "inode": 1})


def test_a_growing_file_keeps_its_id() -> None:
    line = b"x" * FINGERPRINT_BYTES_MAX
    assert file_id(**{**FILE, "first_line": line}) == file_id(**{**FILE, "first_line": line + b"more\n"})


@given(st.binary(min_size=FILE_ID_BYTES, max_size=FILE_ID_BYTES), st.integers(0, (1 << 48) - 1))
def test_it_is_32_hex_digits_that_say_file_and_offset(file: bytes, offset: int) -> None:
    found = event_id(file, offset)
    assert len(found) == 32
    assert split_event_id(found) == (file.hex(), offset)


@given(st.integers(0, (1 << 48) - 1), st.integers(0, (1 << 48) - 1))
def test_its_order_is_the_files(one: int, other: int) -> None:
    file = bytes(FILE_ID_BYTES)
    assert (event_id(file, one) < event_id(file, other)) == (one < other)


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "x" * 32])
def test_what_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"hex"):
        split_event_id(text)
