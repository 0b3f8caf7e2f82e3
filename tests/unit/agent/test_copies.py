"""A copy is known by its name, its first line, and the bytes before a place that was read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clew_agent.tail.copies import Resemblance, related, resemblance, same_bytes
from clew_agent.tail.identity import FileIdentity, Mark, digest

CONTENT = b"".join(b"line %d\n" % i for i in range(1000))
FIRST = b"line 0\n"


@pytest.mark.parametrize(
    ("original", "other", "is_related"),
    [
        ("/x/app.log", "/x/app.log.1", True),
        ("/x/app.log", "/y/app.log-20261124.gz", True),
        ("/x/app.log", "/x/app-20261124.log", True),
        ("/x/app.log.1", "/x/app.log.2.gz", True),
        ("/x/app.log", "/x/app2.log", False),
        ("/x/app.log", "/x/other.log.1", False),
        ("/x/app.log", "/x/apple.log", False),
    ],
)
def test_names_that_rotation_gives(original: str, other: str, is_related: bool) -> None:
    assert related(original, other) is is_related


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "a.log"
    path.write_bytes(CONTENT)
    fd = os.open(path, os.O_RDWR)
    yield fd
    os.close(fd)


def known(offset: int, content: bytes = CONTENT) -> FileIdentity:
    tail = digest(content[max(0, offset - 1024) : offset])
    return FileIdentity(
        device=1,
        inode=1,
        generation=0,
        fingerprint=digest(FIRST),
        fingerprint_bytes=len(FIRST),
        offset=offset,
        tail=tail,
    )


def mark(offset: int, content: bytes = CONTENT) -> Mark:
    return Mark(offset, known(offset, content).tail)


@pytest.mark.parametrize(
    ("identity", "marks", "kind"),
    [
        (known(len(CONTENT)), [], Resemblance.WHOLE),
        (known(700), [], Resemblance.WHOLE),
        (known(0), [], Resemblance.NONE),
        (known(len(FIRST)), [], Resemblance.NONE),
        (known(len(FIRST) + 7), [], Resemblance.WHOLE),
        (known(700, CONTENT.replace(b"line 3", b"LINE 3")), [], Resemblance.NONE),
        (known(len(CONTENT) + 8, CONTENT + b"line abc"), [], Resemblance.NONE),
        (known(len(CONTENT) + 8, CONTENT + b"line abc"), [mark(14), mark(len(CONTENT) + 8)], Resemblance.PART),
        (known(len(CONTENT) + 8, CONTENT + b"line abc"), [mark(60, CONTENT.upper())], Resemblance.NONE),
    ],
)
def test_what_a_file_has_of_a_content(fd: int, identity: FileIdentity, marks: list[Mark], kind: Resemblance) -> None:
    assert resemblance(fd, identity, marks) is kind


def test_another_first_line_is_another_content(fd: int) -> None:
    os.pwrite(fd, b"LINE", 0)
    assert resemblance(fd, known(5000)) is Resemblance.NONE


def test_same_bytes_before_a_place(fd: int, tmp_path: Path) -> None:
    (tmp_path / "b.log").write_bytes(CONTENT[:3000] + b"other")
    other = os.open(tmp_path / "b.log", os.O_RDONLY)
    assert same_bytes(fd, other, 3000)
    assert not same_bytes(fd, other, 3003)
    os.close(other)
