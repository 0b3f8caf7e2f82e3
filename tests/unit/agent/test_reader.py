from __future__ import annotations

import os
import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clew_agent.stamp import Cut
from clew_agent.tail import Block, Changed, LineReader, Verdict
from clew_agent.tail.identity import TAIL_BYTES, digest
from clew_agent.tail.reader import Deferred

Open = Callable[..., LineReader]
ROOM = 1 << 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.log"
    path.touch()
    return path


@pytest.fixture
def reader_of(path: Path) -> Iterator[Open]:
    fds: list[int] = []

    def make(*, read_bytes_max: int = 4096, line_bytes_max: int = 4096) -> LineReader:
        fds.append(os.open(path, os.O_RDONLY))
        return LineReader(
            fds[-1], offset=0, tail=digest(b""), read_bytes_max=read_bytes_max, line_bytes_max=line_bytes_max
        )

    yield make
    for fd in fds:
        os.close(fd)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def blocks(reader: LineReader, *, at_end: bool = False) -> list[Block]:
    found: list[Block] = []
    while isinstance(outcome := reader.read(room=ROOM, at_end=at_end), Block):
        found.append(outcome)
    assert outcome is None
    return found


class TestWholeLines:
    def test_a_block_ends_at_a_lines_end(self, path: Path, reader_of: Open) -> None:
        append(path, b"one\ntwo\nhal")
        (block,) = blocks(reader_of())
        assert (block.start, block.end, block.payload) == (0, 8, b"one\ntwo\n")

    def test_half_a_line_waits_until_it_is_whole(self, path: Path, reader_of: Open) -> None:
        reader = reader_of()
        append(path, b"one\nha")
        assert [b.payload for b in blocks(reader)] == [b"one\n"]
        append(path, b"l")
        assert blocks(reader) == []
        append(path, b"f\ntwo\nmo")
        assert [(b.start, b.payload) for b in blocks(reader)] == [(4, b"half\ntwo\n")]

    def test_at_the_end_of_all_a_line_without_terminator_is_one(self, path: Path, reader_of: Open) -> None:
        append(path, b"one\nlast")
        found = blocks(reader_of(), at_end=True)
        assert [(b.start, b.end, b.payload) for b in found] == [(0, 4, b"one\n"), (4, 8, b"last")]

    @pytest.mark.parametrize("content", [b"", b"no end"])
    def test_nothing_whole_is_nothing(self, path: Path, reader_of: Open, content: bytes) -> None:
        append(path, content)
        assert reader_of().read(room=ROOM) is None

    def test_bytes_are_not_looked_into(self, path: Path, reader_of: Open) -> None:
        content = b"\xff\xfe\0\0\r\n\n\n\xe2\x82\n\x80\n"
        append(path, content)
        assert b"".join(b.payload for b in blocks(reader_of())) == content

    @pytest.mark.parametrize("seed", range(20))
    def test_any_content_in_any_pieces_is_read_whole_and_once(self, path: Path, reader_of: Open, seed: int) -> None:
        rng = random.Random(seed)
        reader = reader_of(read_bytes_max=4096, line_bytes_max=rng.choice([4096, 20_000]))
        content = b"".join(
            bytes(rng.choices(range(11, 256), k=rng.choice([0, 1, 30, 3000, 4090]))) + b"\n" for _ in range(40)
        )
        found: list[Block] = []
        at = 0
        while at < len(content):
            size = rng.choice([1, 100, 5000])
            append(path, content[at : at + size])
            at += size
            found += blocks(reader)
        assert b"".join(b.payload for b in found) == content
        assert [b.start for b in found[1:]] == [b.end for b in found[:-1]]
        assert all(b.payload.endswith(b"\n") for b in found)
        assert found[-1].tail == digest(content[-TAIL_BYTES:])


class TestLongLines:
    def test_a_line_up_to_the_limit_is_kept_though_it_needs_many_reads(self, path: Path, reader_of: Open) -> None:
        line = b"x" * 19_999 + b"\n"
        append(path, b"a\n" + line + b"b\n")
        found = blocks(reader_of(read_bytes_max=4096, line_bytes_max=20_000))
        assert b"".join(b.payload for b in found) == b"a\n" + line + b"b\n"
        assert not any(b.cuts for b in found)

    def test_a_longer_line_is_cut_and_counted_and_the_next_is_whole(self, path: Path, reader_of: Open) -> None:
        append(path, b"a\n" + b"x" * 50_000 + b"\nnext\n")
        found = blocks(reader_of(read_bytes_max=4096, line_bytes_max=5000))
        assert [b.payload for b in found] == [b"a\n", b"x" * 4999 + b"\n", b"next\n"]
        assert found[1].cuts == (Cut(0, 50_001, 45_001),)
        assert found[1].cut_bytes == 45_001
        assert (found[1].start, found[1].end, found[2].start) == (2, 50_003, 50_003)

    def test_lines_within_one_read_are_cut_too(self, path: Path, reader_of: Open) -> None:
        long = [b"x" * 3000, b"y" * 1500]
        append(path, b"\n".join([b"a", b"b", long[0], b"c", long[1], b"d", b""]))
        (block,) = blocks(reader_of(read_bytes_max=1 << 16, line_bytes_max=1024))
        head = [line[:1023] for line in long]
        assert block.payload == b"\n".join([b"a", b"b", head[0], b"c", head[1], b"d", b""])
        assert block.cuts == (Cut(2, 3001, 3001 - 1024), Cut(4, 1501, 1501 - 1024))
        assert block.cut_bytes == 3001 + 1501 - 2 * 1024

    @pytest.mark.parametrize("size", [1023, 1024, 1025])
    def test_the_limit_counts_the_terminator(self, path: Path, reader_of: Open, size: int) -> None:
        append(path, b"x" * (size - 1) + b"\n")
        (block,) = blocks(reader_of(read_bytes_max=4096, line_bytes_max=1024))
        assert bool(block.cuts) == (size > 1024)
        assert len(block.payload) == min(size, 1024)

    def test_a_long_line_without_terminator_at_the_end_of_all_is_cut(self, path: Path, reader_of: Open) -> None:
        append(path, b"x" * 50_000)
        (block,) = blocks(reader_of(read_bytes_max=4096, line_bytes_max=5000), at_end=True)
        assert (block.payload, block.end, block.cuts) == (b"x" * 4999 + b"\n", 50_000, (Cut(0, 50_000, 45_001),))

    def test_a_line_that_has_no_room_waits_and_is_not_lost(self, path: Path, reader_of: Open) -> None:
        reader = reader_of(read_bytes_max=4096, line_bytes_max=20_000)
        append(path, b"x" * 10_000 + b"\nnext\n")
        assert isinstance(reader.read(room=8000), Deferred)
        assert isinstance(reader.read(room=8000), Deferred)
        assert [len(b.payload) for b in blocks(reader)] == [10_001, 5]

    def test_a_line_of_100_mb_takes_no_more_memory_than_its_head(self, path: Path, reader_of: Open) -> None:
        with path.open("wb") as file:
            file.truncate(100_000_000)
        append(path, b"\nnext\n")
        reader = reader_of(read_bytes_max=1 << 17, line_bytes_max=1 << 16)
        tracemalloc.start()
        found = blocks(reader)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert [b.end for b in found] == [100_000_001, 100_000_006]
        assert found[0].cuts == (Cut(0, 100_000_001),)
        assert peak < 1 << 20


class TestChangedContent:
    def test_a_shorter_file_was_truncated(self, path: Path, reader_of: Open) -> None:
        append(path, b"one\ntwo\n")
        reader = reader_of()
        blocks(reader)
        path.write_bytes(b"x\n")
        assert reader.read(room=ROOM) == Changed(Verdict.TRUNCATED)

    @pytest.mark.parametrize("content", [b"ONE\nTWO\n", b"other\nlines, more of them\n"])
    def test_other_content_of_the_same_size_or_longer_is_noticed(
        self, path: Path, reader_of: Open, content: bytes
    ) -> None:
        append(path, b"one\ntwo\n")
        reader = reader_of()
        blocks(reader)
        path.write_bytes(content)
        assert reader.read(room=ROOM) == Changed(Verdict.REPLACED)

    def test_truncation_in_the_middle_of_a_long_line_is_noticed(self, path: Path, reader_of: Open) -> None:
        append(path, b"x" * 50_000)
        reader = reader_of()
        assert reader.read(room=ROOM) is None
        path.write_bytes(b"y" * 60_000 + b"\n")
        assert reader.read(room=ROOM) == Changed(Verdict.REPLACED)
