"""Compressed files: whole ones are unpacked, others are not touched."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from clew_agent.tail.packed import IncompleteArchive, TooLarge, is_packed, unpack

CONTENT = random.Random(1).randbytes(100_000) + b"a line\n" * 100_000


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[object]:
    fds: list[int] = []

    def write(data: bytes) -> int:
        path = tmp_path / f"{len(fds)}.gz"
        path.write_bytes(data)
        fds.append(os.open(path, os.O_RDONLY))
        return fds[-1]

    yield write
    for fd in fds:
        os.close(fd)


def content(fd: int) -> bytes:
    with open(fd, "rb") as file:
        file.seek(0)
        return file.read()


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(CONTENT),
        gzip.compress(CONTENT[:1000]) + gzip.compress(CONTENT[1000:]),
        gzip.compress(CONTENT) + bytes(512),
    ],
    ids=["one member", "two members", "padded"],
)
def test_the_content_is_a_file_of_its_own(opened: object, data: bytes, tmp_path: Path) -> None:
    fd = opened(data)  # type: ignore[operator]
    assert is_packed(fd)
    before = set(tmp_path.iterdir())
    assert content(unpack(fd, tmp_path, bytes_max=1 << 20)) == CONTENT
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("cut", [10, 1000, 50_000, -8, -1])
def test_a_part_of_one_is_incomplete(opened: object, cut: int, tmp_path: Path) -> None:
    with pytest.raises(IncompleteArchive):
        unpack(opened(gzip.compress(CONTENT)[:cut]), tmp_path, bytes_max=1 << 20)  # type: ignore[operator]


def test_a_damaged_one_is_incomplete(opened: object, tmp_path: Path) -> None:
    data = bytearray(gzip.compress(CONTENT))
    data[5000] ^= 0xFF
    with pytest.raises(IncompleteArchive):
        unpack(opened(bytes(data)), tmp_path, bytes_max=1 << 20)  # type: ignore[operator]


def test_one_that_unpacks_to_too_much_is_left(opened: object, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        unpack(opened(gzip.compress(bytes(10_000_000))), tmp_path, bytes_max=1 << 20)  # type: ignore[operator]


def test_other_files_are_not_packed(opened: object) -> None:
    assert not is_packed(opened(b"plain\n"))  # type: ignore[operator]
    assert not is_packed(opened(b""))  # type: ignore[operator]
