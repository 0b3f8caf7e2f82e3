"""Lines in other encodings: where they end, what they are in UTF-8, how many bytes they took."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew_agent.encoding import PLAIN, encoding_of, is_encoding
from clew_agent.tail import Block, LineReader
from clew_agent.tail.identity import digest


@pytest.mark.parametrize(
    ("head", "setting", "name", "mark"),
    [
        (b"plain\n", "auto", "", 0),
        (b"plain\n", "utf-8", "", 0),
        (b"\xef\xbb\xbfmarked\n", "auto", "", 3),
        ("\ufeffa\n".encode("utf-16-le"), "auto", "utf-16-le", 2),
        ("\ufeffa\n".encode("utf-16-be"), "auto", "utf-16-be", 2),
        (b"\xff\xfe not UTF-16\n", "auto", "", 0),
        (b"", "utf-16", "utf-16-le", 0),
        (b"\x83\x8d\n", "shift_jis", "shift_jis", 0),
        ("\ufeffa\n".encode("utf-16-be"), "latin-1", "utf-16-be", 2),
    ],
)
def test_a_mark_says_more_than_the_setting(head: bytes, setting: str, name: str, mark: int) -> None:
    encoding = encoding_of(head, setting)
    assert (encoding.name, encoding.mark_bytes) == (name, mark)
    assert encoding.plain is (name == "")


@pytest.mark.parametrize(("name", "holds"), [("latin-1", True), ("utf-32", True), ("base64", False), ("elvish", False)])
def test_only_encodings_of_text_are_settings(name: str, holds: bool) -> None:
    assert is_encoding(name) is holds


LINES = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20), max_size=12)


@settings(deadline=None)
@given(LINES, st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "shift_jis", "latin-1"]), st.integers(4096, 5000))
def test_lines_come_out_in_utf8_and_their_bytes_sum_to_the_file(lines: list[str], name: str, read_max: int) -> None:
    data = b"".join(f"{line}\n".encode(name, "replace") for line in lines)
    encoding = encoding_of(b"", name)
    if not data:
        return
    payload, cuts = encoding.to_utf8(data)
    assert payload.decode() == data.decode(name)
    assert [cut.line for cut in cuts] == list(range(len(lines)))
    assert sum(cut.file_bytes for cut in cuts) == len(data)


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_a_reader_finds_ends_across_its_reads_and_half_characters(tmp_path: Path, name: str) -> None:
    lines = [f"{i} ਊ {'ж' * (i % 50)}" for i in range(600)]
    data = "".join(f"{line}\n" for line in lines).encode(name)
    path = tmp_path / "a.log"
    path.touch()
    fd = os.open(path, os.O_RDONLY)
    reader = LineReader(
        fd, offset=0, tail=digest(b""), read_bytes_max=4096, line_bytes_max=4096, encoding=encoding_of(b"", name)
    )
    got, end = b"", 0
    for at in range(0, len(data), 1501):
        with path.open("ab") as file:
            file.write(data[at : at + 1501])
        while isinstance(block := reader.read(room=1 << 20), Block):
            assert block.start == end
            assert sum(cut.file_bytes for cut in block.cuts) == block.end - block.start
            end = block.end
            got += block.payload
    os.close(fd)
    assert (end, got.decode().splitlines()) == (len(data), lines)


def test_plain_bytes_are_not_touched() -> None:
    assert PLAIN.plain
    assert PLAIN.last_end(b"a\nb", 0, shift=0) == 2
