from __future__ import annotations

import os
from pathlib import Path

import pytest

from clew_agent.tail import FileIdentity, FileKey, Sighting, Verdict, judge
from clew_agent.tail.identity import TAIL_BYTES, digest, first_line, look

KNOWN = FileIdentity(
    device=1, inode=2, generation=0, fingerprint=digest(b"first\n"), fingerprint_bytes=6, offset=100, tail=digest(b"x")
)


@pytest.mark.parametrize(
    ("known", "seen", "verdict"),
    [
        (None, Sighting(500, False, False), Verdict.NEW),
        (KNOWN, Sighting(100, True, True), Verdict.CONTINUE),
        (KNOWN, Sighting(5000, True, True), Verdict.CONTINUE),
        (KNOWN, Sighting(99, True, True), Verdict.TRUNCATED),
        (KNOWN, Sighting(0, False, False), Verdict.TRUNCATED),
        (KNOWN, Sighting(100, False, False), Verdict.REPLACED),
        (KNOWN, Sighting(5000, False, True), Verdict.REPLACED),
        (KNOWN, Sighting(5000, True, False), Verdict.REPLACED),
    ],
)
def test_only_what_agrees_in_everything_is_continued(
    known: FileIdentity | None, seen: Sighting, verdict: Verdict
) -> None:
    assert judge(known, seen) is verdict


def test_a_file_is_recognised_after_it_grew_and_not_after_it_was_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    content = b"".join(b"line %d\n" % i for i in range(400))
    path.write_bytes(content)
    status = path.stat()
    known = FileIdentity(
        device=status.st_dev,
        inode=status.st_ino,
        generation=0,
        fingerprint=digest(b"line 0\n"),
        fingerprint_bytes=7,
        offset=len(content),
        tail=digest(content[-TAIL_BYTES:]),
    )

    def verdict() -> Verdict:
        fd = os.open(path, os.O_RDONLY)
        try:
            return judge(known, look(fd, known))
        finally:
            os.close(fd)

    assert known.key == FileKey(status.st_dev, status.st_ino)
    assert verdict() is Verdict.CONTINUE
    with path.open("ab") as file:
        file.write(b"more\n")
    assert verdict() is Verdict.CONTINUE
    path.write_bytes(content[:-3] + b"!!\n" + b"more\n" * 100)
    assert verdict() is Verdict.REPLACED
    path.write_bytes(b"x" + content[1:])
    assert verdict() is Verdict.REPLACED
    path.write_bytes(content[:50])
    assert verdict() is Verdict.TRUNCATED


@pytest.mark.parametrize(
    ("content", "at_end", "expected"),
    [
        (b"", False, None),
        (b"", True, None),
        (b"half", False, None),
        (b"half", True, b"half"),
        (b"\nsecond\n", False, b"\n"),
        (b"one\ntwo", False, b"one\n"),
        (b"y" * 5000, False, b"y" * 1024),
        (b"y" * 5000 + b"\n", False, b"y" * 1024),
    ],
)
def test_the_first_line_is_known_once_it_can_no_longer_change(
    content: bytes, at_end: bool, expected: bytes | None
) -> None:
    assert first_line(lambda size, offset: content[offset : offset + size], at_end=at_end) == expected
