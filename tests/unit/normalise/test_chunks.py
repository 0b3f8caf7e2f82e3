"""What an event has from its chunk, beside its line."""

from __future__ import annotations

import msgspec
from tests.unit.normalise.lines import chunk_of

from clew_agent.wire import Chunk, decode_chunk, encode_chunk
from clew_collector.normalise import Normaliser


def of_pod(lines: list[bytes], **resource: str) -> Chunk:
    chunk = chunk_of(lines)
    return msgspec.structs.replace(chunk, source=msgspec.structs.replace(chunk.source, resource=resource))


def test_what_is_known_of_the_writer_is_an_attribute_of_every_event(normaliser: Normaliser) -> None:
    told = {"k8s.pod.name": "orders-1", "k8s.namespace.name": "shop"}
    chunk = decode_chunk(encode_chunk(of_pod([b"one", b'{"message": "two", "n": 2}'], **told)))
    one, two = normaliser.events(chunk)
    assert one.attributes == told
    assert two.attributes == {"n": 2, **told}


def test_it_steps_aside_for_what_the_line_says(normaliser: Normaliser) -> None:
    line = b'{"message": "moved", "k8s.pod.name": "another"}'
    (event,) = normaliser.events(of_pod([line], **{"k8s.pod.name": "orders-1"}))
    assert event.attributes == {"k8s.pod.name": "another", "resource.k8s.pod.name": "orders-1"}


def test_a_last_line_without_its_end_is_flagged(normaliser: Normaliser) -> None:
    whole = chunk_of([b"one", b"two", b"three"])
    cut = msgspec.structs.replace(
        whole, payload=whole.payload[:-1], lengths=whole.lengths[:-4] + (5).to_bytes(4, "little")
    )
    events = normaliser.events(cut)
    assert [event.body for event in events] == ["one", "two", "three"]
    assert [event.attributes for event in events] == [{}, {}, {"log.record.unterminated": True}]
    assert [event.attributes for event in normaliser.events(whole)] == [{}, {}, {}]
