"""Any chunk that an agent may make, as a Hypothesis strategy."""

from __future__ import annotations

from hypothesis import strategies as st

from clew_agent.wire import Chunk, Origin, Source, pack_u32, pack_u64

texts = st.text(max_size=20)
sources = st.builds(
    Source,
    file_id=st.binary(min_size=10, max_size=10),
    path=texts,
    host=texts,
    service=texts,
    instance=texts,
    modified_ns=st.integers(-(1 << 63), (1 << 63) - 1),
)


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """Lines with and without terminator, cut or whole, with gaps or without, stamped or not."""
    bodies = draw(st.lists(st.binary(max_size=30).map(lambda body: body.replace(b"\n", b"")), min_size=1, max_size=8))
    lines = [body + draw(st.sampled_from([b"\n", b"\r\n"])) for body in bodies]
    if draw(st.booleans()) and bodies[-1]:
        lines[-1] = bodies[-1]
    n = len(lines)
    cut = [draw(st.integers(0, 100)) for _ in lines] if draw(st.booleans()) else [0] * n
    lengths = [len(line) + more for line, more in zip(lines, cut, strict=True)]
    start = draw(st.integers(0, 1 << 40))
    offsets: list[int] = []
    if draw(st.booleans()):
        at = start
        for length in lengths:
            offsets.append(at)
            at += length + draw(st.integers(0, 10))
    stamped = draw(st.booleans())
    origins = bytes(draw(st.sampled_from(list(Origin))) for _ in lines) if stamped else b""
    names = st.lists(st.text(min_size=1, max_size=10), min_size=1, max_size=3).map(tuple)
    return Chunk(
        source=draw(sources),
        observed_ns=draw(st.integers(0, (1 << 63) - 1)),
        start=start,
        lengths=pack_u32(lengths),
        payload=b"".join(lines),
        sizes=pack_u32([len(line) for line in lines]) if any(cut) else b"",
        offsets=pack_u64(offsets) if offsets else b"",
        ids=draw(st.binary(min_size=16 * n, max_size=16 * n)) if stamped else b"",
        origins=origins,
        aliases=draw(st.dictionaries(st.integers(0, n - 1), names, max_size=3)),
    )
