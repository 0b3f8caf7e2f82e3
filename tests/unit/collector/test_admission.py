"""What the ingest API lets in, decided without a socket."""

from __future__ import annotations

import msgspec
import pytest
import zstandard
from tests.chunks import FILE_B, numbered

from clew_agent.wire import encode_chunk, encode_frames
from clew_collector.admission import InFlight, Refused, decode, unpack

PLENTY = 1 << 30
GOOD = encode_chunk(numbered(0, 3))


def bomb(size: int) -> bytes:
    """A few bytes that say and need `size` bytes decompressed."""
    return b"CLW1" + zstandard.ZstdCompressor().compress(bytes(size))


class TestUnpack:
    def test_gives_the_chunks_as_they_came(self) -> None:
        other = encode_chunk(numbered(0, 3, file=FILE_B))
        frames = unpack(encode_frames([GOOD, other]), decoded_bytes_max=PLENTY)
        assert frames.encoded == (GOOD, other)
        assert decode(frames) == (numbered(0, 3), numbered(0, 3, file=FILE_B))

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"\xc1", id="no msgpack"),
            pytest.param(msgspec.msgpack.encode({"a": 1}), id="another message"),
            pytest.param(encode_frames([GOOD])[:-1], id="cut"),
            pytest.param(encode_frames([GOOD]) + b"x", id="more behind it"),
            pytest.param(encode_frames([GOOD, b"CLW1"]), id="a frame without a chunk"),
            pytest.param(encode_frames([GOOD, GOOD[:-3]]), id="a chunk cut short"),
            pytest.param(encode_frames([GOOD, b"x" * 50]), id="noise"),
            pytest.param(encode_frames([bomb(100)]), id="zeros"),
            pytest.param(encode_frames([b"CLW1" + zstandard.ZstdCompressor().compress(b"\x80")]), id="no columns"),
        ],
    )
    def test_refuses_what_is_not_chunks(self, body: bytes) -> None:
        with pytest.raises(Refused) as caught:
            decode(unpack(body, decoded_bytes_max=PLENTY))
        assert caught.value.status == 400

    def test_a_flipped_bit_is_found(self) -> None:
        for at in range(0, len(GOOD), 7):
            broken = bytearray(GOOD)
            broken[at] ^= 4
            with pytest.raises(Refused) as caught:
                decode(unpack(encode_frames([bytes(broken)]), decoded_bytes_max=PLENTY))
            assert caught.value.status in {400, 413}

    def test_many_small_bombs_are_refused_before_the_first_is_decompressed(self) -> None:
        body = encode_frames([bomb(1 << 20)] * 100)
        assert len(body) < 20_000
        with pytest.raises(Refused) as caught:
            unpack(body, decoded_bytes_max=64 << 20)
        assert caught.value.status == 413


class TestInFlight:
    def test_counts_what_is_held(self) -> None:
        in_flight = InFlight(100)
        with in_flight.hold(60):
            with pytest.raises(Refused) as caught, in_flight.hold(41):
                pass
            assert caught.value.status == 429
            with in_flight.hold(40):
                assert in_flight.bytes == 100
        assert in_flight.bytes == 0
