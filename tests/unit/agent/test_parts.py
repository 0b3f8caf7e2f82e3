"""Parts of container lines are joined stream by stream, and what is sent covers the file without a gap."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew_agent.tail import Block
from clew_agent.tail.layout import CRI, DOCKER, Layout, layout_of
from clew_agent.tail.parts import PartJoiner

Written = list[tuple[str, str, bool]]


def cri(stream: str, text: str, complete: bool) -> bytes:
    return f"2026-11-24T10:00:00.1Z {stream} {'F' if complete else 'P'} {text}\n".encode()


def docker(stream: str, text: str, complete: bool) -> bytes:
    end = "\\n" if complete else ""
    return f'{{"log":"{text}{end}","stream":"{stream}","time":"2026-11-24T10:00:00.1Z"}}\n'.encode()


WRITERS = {CRI: cri, DOCKER: docker}


def joiner(layout: Layout, *, bytes_max: int = 1 << 20) -> PartJoiner:
    return PartJoiner(layout, bytes_max=bytes_max, tail_at=lambda offset: b"%d" % offset)


def block(start: int, payload: bytes) -> Block:
    return Block(start, start + len(payload), payload, b"")


@pytest.mark.parametrize(
    ("head", "join", "layout"),
    [
        (b"2026-11-24T10:00:00.1Z stdout F text", "cri", CRI),
        (b"2026-11-24T10:00:00.1+01:00 stderr P:x text", "all", CRI),
        (b"2026-11-24T10:00:00.1Z stdout F text", "none", None),
        (b'{"log":"text\\n","stream"', "all", DOCKER),
        (b'{"log":"text\\n","stream"', "cri", None),
        (b"2026-11-24T10:00:00.1Z INFO stdout F", "all", None),
        (b'{"level":"info"}', "all", None),
    ],
)
def test_a_layout_shows_in_the_first_line(
    head: bytes, join: Literal["cri", "all", "none"], layout: Layout | None
) -> None:
    assert layout_of(head, join) is layout


@pytest.mark.parametrize(
    ("layout", "line", "complete"),
    [
        (CRI, b"2026-11-24T10:00:00.1Z stdout P a stdout F b\n", False),
        (CRI, b"2026-11-24T10:00:00.1Z stdout F:x \n", True),
        (DOCKER, b'{"log":"a\\n","stream":"stdout","time":"x"}\n', True),
        (DOCKER, b'{"log":"a\\\\n","stream":"stdout","time":"x"}\n', False),
        (DOCKER, b'{"log":"a\\\\\\n","stream":"stdout","attrs":{},"time":"x"}\n', True),
        (DOCKER, b'{"log":"\\n","stream":"stderr","time":"x"}\n', True),
        (DOCKER, b'{"log":"","stream":"stderr","time":"x"}\n', False),
    ],
)
def test_a_part_is_told_from_a_line(layout: Layout, line: bytes, complete: bool) -> None:
    part = layout.take_apart(line)
    assert part
    assert part.complete is complete
    assert part.head + part.text + part.rest == line
    assert layout.whole(line) in ({True, False} if complete else {False})


@pytest.mark.parametrize("layout", [CRI, DOCKER])
def test_what_is_no_line_of_a_runtime_passes(layout: Layout) -> None:
    payload = b"what is this\n"
    assert joiner(layout).add(block(0, cri("stdout", "a", True) + payload))
    assert layout.take_apart(payload) is None


PIECES = st.lists(
    st.tuples(st.sampled_from(["stdout", "stderr"]), st.text("ab \\\\é", max_size=5), st.booleans()), max_size=30
)


@settings(deadline=None)
@given(PIECES, st.sampled_from([CRI, DOCKER]), st.data())
def test_whatever_the_order_and_the_reads(pieces: Written, layout: Layout, data: st.DataObject) -> None:
    write = WRITERS[layout]
    pieces = [(stream, text.replace("\\", "\\\\"), complete) for stream, text, complete in pieces]
    raw = [write(*piece) for piece in pieces]
    expected: list[bytes] = []
    open_texts: dict[str, str] = {}
    for stream, text, complete in pieces:
        open_texts[stream] = open_texts.get(stream, "") + text
        if complete:
            expected.append(write(stream, open_texts.pop(stream), True))
    left = [write(stream, text, False) for stream, text in open_texts.items()]
    one = joiner(layout)
    blocks: list[Block] = []
    at = start = 0
    while at < len(raw):
        count = data.draw(st.integers(1, len(raw) - at))
        payload = b"".join(raw[at : at + count])
        if done := one.add(block(start, payload)):
            blocks.append(done)
        at, start = at + count, start + len(payload)
    if done := one.flush():
        blocks.append(done)
    assert sorted(b"".join(b.payload for b in blocks).splitlines(True)) == sorted([*expected, *left])
    for before, after in pairwise(blocks):
        assert before.end == after.start
    for b in blocks:
        sizes = [len(line) for line in b.payload.splitlines(True)]
        for cut in b.cuts:
            sizes[cut.line] = cut.file_bytes
        assert sum(sizes) == b.end - b.start
        assert min(sizes) > 0
    if blocks:
        assert (blocks[0].start, blocks[-1].end) == (0, start)


def test_a_line_is_made_whole_by_the_file_that_comes_after() -> None:
    one = joiner(CRI)
    first = cri("stdout", "one ", False)
    assert one.add(block(100, first)) is None
    assert one.complete(cri("stderr", "other", True)) is None
    head = cri("stderr", "other", True) + cri("stdout", "two", True)
    done = one.complete(head + cri("stdout", "next", True))
    assert done
    assert done.head_bytes == len(head)
    assert (done.block.start, done.block.end) == (100, 100 + len(first))
    assert done.block.payload == cri("stderr", "other", True) + cri("stdout", "one two", True)
    assert sum(cut.file_bytes for cut in done.block.cuts) == len(first)
    assert not one.waits


def test_parts_without_an_end_are_sent_when_they_are_too_many() -> None:
    one = joiner(CRI, bytes_max=990)
    payload = cri("stdout", "x" * 300, False)
    sent = [one.add(block(i * len(payload), payload)) for i in range(8)]
    assert [b is not None for b in sent] == [False, False, True, False, False, True, False, False]
    done = [b for b in sent if b]
    assert [b.payload.count(b"x") for b in done] == [900, 900]
    assert one.mark.offset == 6 * len(payload)
