"""A chunk on the wire: what goes in comes out, and nothing else is a chunk."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chunks import FILE_A, chunk_of, scattered, source
from tests.unit.wire.chunks import chunks

from clew_agent.errors import ChunkError
from clew_agent.wire import (
    CHUNK_BYTES_MAX,
    Chunk,
    Origin,
    decode_chunk,
    decode_frames,
    encode_chunk,
    encode_frames,
    event_id,
    pack_u32,
    pack_u64,
    unpack_u32,
    unpack_u64,
)

GOOD = chunk_of([b"one\n", b"two\r\n", b"last"], start=100)


def framed(fields: object, *, magic: bytes = b"CLW1") -> bytes:
    """Pack anything as a chunk is packed."""
    return magic + zstandard.ZstdCompressor(write_content_size=True).compress(msgspec.msgpack.encode(fields))


def broken(**columns: object) -> bytes:
    return framed({**msgspec.to_builtins(GOOD, builtin_types=(bytes,)), **columns})


class TestRoundTrip:
    @given(chunks(), st.sampled_from([0, 1, 3, 19]))
    def test_what_was_encoded_is_decoded(self, chunk: Chunk, level: int) -> None:
        assert decode_chunk(encode_chunk(chunk, level=level)) == chunk

    @given(st.lists(st.binary(max_size=50), max_size=5))
    def test_frames_come_in_order(self, frames: list[bytes]) -> None:
        assert decode_frames(encode_frames(frames)) == frames

    @given(st.lists(st.integers(0, (1 << 32) - 1)), st.lists(st.integers(0, (1 << 64) - 1)))
    def test_columns(self, small: list[int], large: list[int]) -> None:
        assert list(unpack_u32(pack_u32(small))) == small
        assert list(unpack_u64(pack_u64(large))) == large

    def test_columns_are_little_endian_everywhere(self) -> None:
        assert pack_u32([1, 258]) == b"\x01\0\0\0\x02\x01\0\0"
        assert pack_u64([258]) == b"\x02\x01\0\0\0\0\0\0"


class TestLines:
    @given(chunks())
    def test_they_are_the_payload_in_pieces(self, chunk: Chunk) -> None:
        lines = list(chunk.lines())
        assert len(lines) == chunk.count
        assert [line.offset for line in lines] == chunk.line_offsets()
        assert lines[0].offset == chunk.start
        assert lines[-1].offset + lines[-1].length == chunk.end
        joined = b"".join(line.raw for line in lines)
        assert joined.replace(b"\r", b"") == chunk.payload.replace(b"\n", b"").replace(b"\r", b"")
        for i, line in enumerate(lines):
            stamped = chunk.origins and chunk.origins[i] != Origin.GENERATED
            generated = event_id(chunk.source.file_id, line.offset)
            assert line.transaction_id == (chunk.ids[16 * i : 16 * i + 16].hex() if stamped else generated)
            assert line.aliases == chunk.aliases.get(i, ())

    @given(chunks(), st.data())
    def test_a_part_has_its_lines_as_they_were(self, chunk: Chunk, data: st.DataObject) -> None:
        first = data.draw(st.integers(0, chunk.count - 1))
        last = data.draw(st.integers(first + 1, chunk.count))
        part = chunk.select(first, last)
        assert list(part.lines()) == list(chunk.lines())[first:last]
        assert decode_chunk(encode_chunk(part)) == part

    def test_only_the_terminator_is_taken_off(self) -> None:
        chunk = chunk_of([b"a\r\n", b"b\r\r\n", b"\n", b"c\r"])
        assert [line.raw for line in chunk.lines()] == [b"a", b"b\r", b"", b"c\r"]


class TestHostile:
    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        for tried in (data, b"CLW1" + data, b"CLW1" + zstandard.compress(data)):
            with pytest.raises(ChunkError):
                decode_chunk(tried)

    @given(chunks(), st.data())
    @settings(max_examples=300)
    def test_a_bit_flipped_anywhere(self, chunk: Chunk, data: st.DataObject) -> None:
        whole = bytearray(encode_chunk(chunk))
        at = data.draw(st.integers(0, 8 * len(whole) - 1))
        whole[at // 8] ^= 1 << at % 8
        # zstd's checksum is of the content: a flip that changes only how it is packed is none of it.
        with suppress(ChunkError):
            assert decode_chunk(bytes(whole)) == chunk

    @given(chunks(), st.data())
    def test_cut_off_anywhere(self, chunk: Chunk, data: st.DataObject) -> None:
        whole = encode_chunk(chunk)
        with pytest.raises(ChunkError):
            decode_chunk(whole[: data.draw(st.integers(0, len(whole) - 1))])

    @given(st.recursive(st.none() | st.integers(-5, 1 << 63) | st.binary(max_size=40) | st.text(max_size=5), st.lists))
    def test_any_columns(self, value: object) -> None:
        for name in msgspec.structs.fields(Chunk):
            data = broken(**{name.name: value})
            try:
                decoded = decode_chunk(data)
            except ChunkError:
                continue
            assert len(list(decoded.lines())) == decoded.count  # whatever is taken can be read
            assert sum(len(line.raw) for line in decoded.lines()) <= len(decoded.payload)

    @pytest.mark.parametrize(
        ("data", "said"),
        {
            "no magic": (framed({}, magic=b"CLW2"), "they do not begin with CLW1"),
            "nothing": (b"", "they do not begin with CLW1"),
            "not zstd": (b"CLW1xxxx", "not a whole chunk"),
            "not msgpack": (b"CLW1" + zstandard.compress(b"\xc1"), "not a whole chunk"),
            "no chunk": (framed([1]), "not a whole chunk"),
            "no lines": (broken(lengths=b"", payload=b""), "1 to 1048576 lines"),
            "half a length": (broken(lengths=b"\x01\0\0"), "column lengths has 3 bytes"),
            "a length of nothing": (broken(lengths=pack_u32([4, 0, 9])), "sizes do not sum|do not lie in a file"),
            "sizes that do not sum": (broken(lengths=pack_u32([4, 5, 5])), "do not sum to its payload of 13 bytes"),
            "ids of half the lines": (broken(ids=bytes(16)), "column ids has 16 bytes, 3 lines need 48"),
            "origins of half the lines": (broken(origins=b"\0"), "column origins has 1 bytes"),
            "an unknown origin": (broken(origins=b"\0\0\x04"), "an origin that does not exist"),
            "an alias of no line": (broken(aliases={3: ["x"]}), "an alias of a line that it does not have"),
            "an alias before the first": (broken(aliases={-1: ["x"]}), "an alias of a line that it does not have"),
            "lines that overlap": (broken(offsets=pack_u64([100, 101, 109])), "overlap or are not in file order"),
            "lines in another order": (broken(offsets=pack_u64([100, 90, 109])), "overlap or are not in file order"),
            "another start": (broken(offsets=pack_u64([99, 104, 109])), "overlap or are not in file order"),
            "before the file": (broken(start=-1), "do not lie in a file"),
            "behind every file": (broken(start=(1 << 48) - 1), "do not lie in a file"),
            "more than anybody says of himself": (
                broken(
                    source={"file_id": bytes(10), "path": "", "host": "", "service": "", "resource": {"k": "x" * 17000}}
                ),
                "at most 16384 characters about who wrote it",
            ),
            "a file id too short": (
                broken(source={"file_id": b"x", "path": "", "host": "", "service": ""}),
                "a file id has 10 bytes, not 1",
            ),
        }.values(),
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_contradicts_itself_says_how(self, data: bytes, said: str) -> None:
        with pytest.raises(ChunkError, match=said):
            decode_chunk(data)

    def test_a_bomb_is_refused_before_it_goes_off(self) -> None:
        bomb = b"CLW1" + zstandard.ZstdCompressor(write_content_size=True).compress(bytes(CHUNK_BYTES_MAX + 1))
        with pytest.raises(ChunkError, match=f"at most {CHUNK_BYTES_MAX} are taken"):
            decode_chunk(bomb)
        with pytest.raises(ChunkError, match="at most 10 are taken"):
            decode_chunk(encode_chunk(GOOD), bytes_max=10)

    def test_a_frame_that_does_not_say_its_size_is_refused(self) -> None:
        silent = zstandard.ZstdCompressor(write_content_size=False).compress(msgspec.msgpack.encode(GOOD))
        with pytest.raises(ChunkError, match="it needs -1 bytes"):
            decode_chunk(b"CLW1" + silent)

    @given(st.binary(max_size=100))
    def test_frames_of_any_bytes(self, body: bytes) -> None:
        with suppress(ChunkError):
            assert set(map(type, decode_frames(body))) <= {bytes}


def test_a_later_field_is_passed_over() -> None:
    """An agent of a newer version may say more; a receiver takes what it knows (ADR 1)."""
    assert decode_chunk(broken(later="x")) == GOOD


def test_gaps_between_lines_are_kept() -> None:
    chunk = scattered([(10, b"a\n"), (50, b"b\n")], file=FILE_A)
    assert [(line.offset, line.raw) for line in decode_chunk(encode_chunk(chunk)).lines()] == [(10, b"a"), (50, b"b")]
    assert (chunk.end, chunk.source) == (52, source(FILE_A))
