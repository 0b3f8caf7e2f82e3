"""Each MUST that the OTLP specification has for an OTLP/HTTP server, and what it recommends, as a test.

The specification is opentelemetry-proto's docs/specification.md; a test quotes the sentence that it holds us to.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf import json_format
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.chunks import chunk_of
from tests.recorded import RecordedMetrics
from tests.unit.otlp.messages import SPAN, TRACE, log_record, logs_request, span, spans_request

from clew_agent.wire import Chunk
from clew_collector.agents import Agents
from clew_collector.errors import LogError
from clew_collector.event import Event
from clew_collector.log.memory import MemoryLog
from clew_collector.log.protocol import Appended
from clew_collector.normalise import Normaliser
from clew_collector.otlp import routes
from clew_collector.service import Collector, create_collector_app
from clew_collector.settings import CollectorSettings
from clew_collector.store.memory import MemoryStore
from clew_collector.store.protocol import SearchRequest

PROTOBUF, JSON = "application/x-protobuf", "application/json"
LOGS = ("/v1/logs", logs_request(log_record("one"), log_record("two")), ExportLogsServiceResponse)
TRACES = ("/v1/traces", spans_request(span()), ExportTraceServiceResponse)
RETRYABLE = {429, 502, 503, 504}
Make = Callable[..., Collector]


class FailingLog(MemoryLog):
    """Takes nothing."""

    async def append(self, chunks: Sequence[Chunk], *, encoded: Sequence[bytes] = ()) -> Appended:
        raise LogError("the disk is gone")


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Collector] = []

    def _make(log: MemoryLog | None = None, **settings: Any) -> Collector:
        collector = Collector(
            settings=CollectorSettings(data=Path("nowhere"), **settings),
            metrics=RecordedMetrics(),
            log=log or MemoryLog(),
            store=MemoryStore(),
            agents=Agents.in_memory(),
            normaliser=Normaliser(),
        )
        made.append(collector)
        return collector

    yield _make
    for collector in made:
        await collector.close()


async def post(collector: Collector, path: str, body: Any, media: str = PROTOBUF, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=create_collector_app(collector))
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as http:
        return await http.post(path, content=body, headers={"Content-Type": media, **headers})


async def stored(collector: Collector) -> list[Event]:
    await collector.start()
    await collector.drain()
    return list((await collector.store.search(SearchRequest(order="asc"))).events)


def as_json(request: Any) -> bytes:
    """Return a request in OTLP/JSON, as its exporters write it."""
    text = json_format.MessageToJson(request, use_integers_for_enums=True)
    return re.sub(
        r'("(?:traceId|spanId|parentSpanId)": ")([^"]*)"', lambda m: f'{m[1]}{b64decode(m[2]).hex()}"', text
    ).encode()


def status_of(answer: httpx.Response) -> Status:
    status = Status()
    if answer.headers["Content-Type"] == JSON:
        json_format.Parse(answer.content, status)
    else:
        assert answer.headers["Content-Type"] == PROTOBUF
        status.MergeFromString(answer.content)
    return status


class TestRequest:
    @pytest.mark.parametrize(("path", "request_", "response"), [LOGS, TRACES], ids=["logs", "traces"])
    @pytest.mark.parametrize("media", [PROTOBUF, JSON])
    async def test_is_taken_at_the_default_path_in_either_encoding(
        self, make: Make, path: str, request_: Any, response: Any, media: str
    ) -> None:
        """Says: "The default URL path for requests that carry trace data is /v1/traces", logs /v1/logs."""
        collector = make()
        body = request_.SerializeToString() if media == PROTOBUF else as_json(request_)
        assert (await post(collector, path, body, media)).status_code == 200
        assert len(await stored(collector)) == (2 if path == "/v1/logs" else 1)

    async def test_is_the_same_in_protobuf_and_json(self, make: Make) -> None:
        collector = make()
        await post(collector, LOGS[0], LOGS[1].SerializeToString())
        await post(collector, LOGS[0], as_json(LOGS[1]), JSON)
        assert len(await stored(collector)) == 2

    @pytest.mark.parametrize("encoding", [None, "identity", "gzip", "GZIP"])
    async def test_may_be_compressed_with_gzip_or_not_at_all(self, make: Make, encoding: str | None) -> None:
        """Says: "All server components MUST support none and gzip"; "Content-Encoding: gzip"."""
        collector = make()
        body = LOGS[1].SerializeToString()
        headers = {} if encoding is None else {"Content-Encoding": encoding}
        packed = gzip.compress(body[:30]) + gzip.compress(body[30:]) if encoding in {"gzip", "GZIP"} else body
        assert (await post(collector, LOGS[0], packed, **headers)).status_code == 200
        assert len(await stored(collector)) == 2

    async def test_may_have_parameters_in_its_content_type(self, make: Make) -> None:
        answer = await post(make(), LOGS[0], as_json(LOGS[1]), "Application/JSON; charset=utf-8")
        assert answer.status_code == 200

    @pytest.mark.parametrize("packed", [True, False])
    async def test_is_limited_in_size_also_after_decompression(self, make: Make, packed: bool) -> None:
        """Says: "The server MUST limit the size of the request body [...] after decompression"."""
        collector = make(body_bytes_max=20_000, decoded_bytes_max=50_000)
        body = logs_request(log_record("a" * 60_000)).SerializeToString()
        answer = await post(
            collector,
            LOGS[0],
            gzip.compress(body) if packed else body,
            **({"Content-Encoding": "gzip"} if packed else {}),
        )
        assert answer.status_code == 413
        assert status_of(answer).message
        assert await collector.log.end() == 0

    async def test_of_any_size_is_not_decompressed_beyond_the_limit(self, make: Make) -> None:
        collector = make(body_bytes_max=200_000, decoded_bytes_max=50_000)
        bomb = gzip.compress(bytes(100 << 20))
        answer = await post(collector, LOGS[0], bomb, **{"Content-Encoding": "gzip"})
        assert answer.status_code == 413


class TestJson:
    async def test_has_hexadecimal_ids_in_any_case(self, make: Make) -> None:
        """Says: "[Ids] are represented as case-insensitive hex-encoded strings"."""
        collector = make()
        sent = {"name": "a", "traceId": TRACE.upper(), "spanId": SPAN, "parentSpanId": "EEE19B7EC3C1B173",
                "links": [{"traceId": TRACE, "spanId": SPAN}]}  # fmt: skip
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [sent]}]}]})
        assert (await post(collector, TRACES[0], body, JSON)).status_code == 200
        (event,) = await stored(collector)
        assert (event.transaction_id, event.span_id, event.parent_span_id) == (TRACE, SPAN, "eee19b7ec3c1b173")
        assert event.links[0].transaction_id == TRACE

    async def test_has_enums_as_integers(self, make: Make) -> None:
        """Says: "Values of enum fields MUST be encoded as integer values"."""
        collector = make()
        sent = {"name": "a", "traceId": TRACE, "spanId": SPAN, "kind": 2, "status": {"code": 2}}
        await post(collector, TRACES[0], json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [sent]}]}]}), JSON)
        (event,) = await stored(collector)
        assert (event.kind, event.status) == ("server", "error")

    async def test_may_have_unknown_fields_anywhere(self, make: Make) -> None:
        """Says: "OTLP/JSON receivers MUST ignore message fields with unknown names"."""
        collector = make()
        record = {"body": {"stringValue": "hi", "hologram": 1}, "timeUnixNano": "17", "mood": {"deep": [1]}}
        body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record], "x": None}], "y": 1}], "z": [[]]}
        assert (await post(collector, LOGS[0], json.dumps(body), JSON)).status_code == 200
        (event,) = await stored(collector)
        assert (event.body, event.timestamp) == ("hi", 17)

    @pytest.mark.parametrize("time", ["1795478400123456789", 1795478400123456789])
    async def test_has_64_bit_integers_as_text_or_number(self, make: Make, time: Any) -> None:
        """Says: "Encoded as decimal strings, and either numbers or strings are accepted when decoding"."""
        collector = make()
        body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": time}]}]}]}
        await post(collector, LOGS[0], json.dumps(body), JSON)
        (event,) = await stored(collector)
        assert event.timestamp == 1795478400123456789


class TestSuccess:
    @pytest.mark.parametrize(("path", "request_", "response"), [LOGS, TRACES], ids=["logs", "traces"])
    @pytest.mark.parametrize("media", [PROTOBUF, JSON])
    async def test_is_200_with_an_empty_response_message_in_the_requests_type(
        self, make: Make, path: str, request_: Any, response: Any, media: str
    ) -> None:
        """Says: "MUST [...] HTTP 200 OK", "MUST use the same Content-Type", "MUST leave [...] unset"."""
        body = request_.SerializeToString() if media == PROTOBUF else as_json(request_)
        answer = await post(make(), path, body, media)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, media)
        said = (
            response.FromString(answer.content) if media == PROTOBUF else json_format.Parse(answer.content, response())
        )
        assert not said.HasField("partial_success")

    @pytest.mark.parametrize("path", [LOGS[0], TRACES[0]])
    @pytest.mark.parametrize(("body", "media"), [(b"", PROTOBUF), (b"{}", JSON), (b'{"resourceLogs": []}', JSON)])
    async def test_is_the_answer_to_an_empty_request(self, make: Make, path: str, body: bytes, media: str) -> None:
        """Says: "If the server receives an empty request [...] the server SHOULD respond with success"."""
        collector = make()
        assert (await post(collector, path, body, media)).status_code == 200
        assert await collector.log.end() == 0

    async def test_means_that_the_log_has_every_record(self, make: Make) -> None:
        collector = make()
        await post(collector, LOGS[0], LOGS[1].SerializeToString())
        (record,) = await collector.log.read(0, bytes_max=1 << 20, wait_s=0)
        assert record.chunk.count == 2

    async def test_of_a_request_sent_twice_adds_nothing(self, make: Make) -> None:
        collector = make()
        for _ in range(2):
            assert (await post(collector, LOGS[0], LOGS[1].SerializeToString())).status_code == 200
        assert await collector.log.end() == 1
        assert len(await stored(collector)) == 2

    async def test_of_records_sent_again_among_others_adds_the_others(self, make: Make) -> None:
        collector = make()
        await post(collector, LOGS[0], LOGS[1].SerializeToString())
        again = logs_request(log_record("three"), log_record("two"))
        await post(collector, LOGS[0], again.SerializeToString())
        assert sorted(event.body for event in await stored(collector)) == ["one", "three", "two"]


class TestPartialSuccess:
    @pytest.mark.parametrize("media", [PROTOBUF, JSON])
    async def test_counts_the_rejected_and_says_why(self, make: Make, media: str) -> None:
        """Says: "MUST respond with HTTP 200 OK", "MUST initialize [...] and MUST set"."""
        collector = make()
        request = spans_request(span(), span(trace_id=b""), span(span_id=bytes(8)))
        body = request.SerializeToString() if media == PROTOBUF else as_json(request)
        answer = await post(collector, TRACES[0], body, media)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, media)
        said = ExportTraceServiceResponse()
        if media == PROTOBUF:
            said.MergeFromString(answer.content)
        else:
            json_format.Parse(answer.content, said)
        assert said.partial_success.rejected_spans == 2
        assert "trace_id" in said.partial_success.error_message
        assert len(await stored(collector)) == 1
        assert collector.metrics.counts["clew_ingest_lines", (("result", "rejected"),)] == 2  # type: ignore[attr-defined]

    async def test_counts_log_records_that_no_chunk_can_carry(self, make: Make) -> None:
        large = logs_request(log_record("a" * (17 << 20)), log_record("small"))
        answer = await post(make(), LOGS[0], large.SerializeToString())
        said = ExportLogsServiceResponse.FromString(answer.content)
        assert (answer.status_code, said.partial_success.rejected_log_records) == (200, 1)


class TestFailure:
    BAD = (
        ("logs", b"\xff\xff\xff", PROTOBUF, {}),
        ("logs", b"{", JSON, {}),
        ("logs", b"[]", JSON, {}),
        ("logs", b"\xff", JSON, {}),
        ("logs", b"[" * 100_000, JSON, {}),
        ("logs", b'{"resourceLogs": 7}', JSON, {}),
        ("logs", b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "x"}]}]}]}', JSON, {}),
        ("logs", b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "xyz"}]}]}]}', JSON, {}),
        ("traces", b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"links": [{"spanId": "0"}]}]}]}]}', JSON, {}),
        ("logs", b"no gzip", PROTOBUF, {"Content-Encoding": "gzip"}),
        ("logs", gzip.compress(LOGS[1].SerializeToString())[:-9], PROTOBUF, {"Content-Encoding": "gzip"}),
    )

    @pytest.mark.parametrize(("signal", "body", "media", "headers"), BAD, ids=[str(i) for i in range(len(BAD))])
    async def test_of_bad_data_is_400_with_a_status_that_describes_it(
        self, make: Make, signal: str, body: bytes, media: str, headers: dict[str, str]
    ) -> None:
        """Says: "MUST respond with HTTP 400 [...] details [...] SHOULD contain a BadRequest"."""
        collector = make()
        answer = await post(collector, f"/v1/{signal}", body, media, **headers)
        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == media
        status = status_of(answer)
        assert (status.code, bool(status.message)) == (3, True)
        (detail,) = status.details
        bad = BadRequest()
        assert detail.Unpack(bad)
        assert bad.field_violations[0].description
        assert "Retry-After" not in answer.headers
        assert await collector.log.end() == 0

    @pytest.mark.parametrize(
        ("media", "headers"), [("text/plain", {}), ("", {}), (PROTOBUF, {"Content-Encoding": "br"})]
    )
    async def test_of_a_form_that_is_not_known_is_not_retried(
        self, make: Make, media: str, headers: dict[str, str]
    ) -> None:
        answer = await post(make(), LOGS[0], LOGS[1].SerializeToString(), media, **headers)
        assert answer.status_code == 415
        assert status_of(answer).message

    @pytest.mark.parametrize("media", [PROTOBUF, JSON])
    async def test_while_behind_is_429_with_retry_after(self, make: Make, media: str) -> None:
        """Says: "The server SHOULD respond with 429 [...] or 503 [...] and MAY include Retry-After"."""
        collector = make(lag_bytes_max=1024, retry_after_s=7)
        await collector.log.append([chunk_of([random.Random(1).randbytes(5000)])])
        answer = await post(collector, LOGS[0], b"" if media == PROTOBUF else b"{}", media)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
        assert answer.headers["Content-Type"] == media
        assert status_of(answer).message

    @pytest.mark.parametrize("log", [MemoryLog(bytes_max=10), FailingLog()], ids=["full", "failing"])
    async def test_of_the_log_is_503_with_retry_after(self, make: Make, log: MemoryLog) -> None:
        answer = await post(make(log), LOGS[0], LOGS[1].SerializeToString())
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert status_of(answer).code == 14

    def test_is_retryable_only_where_later_may_help(self) -> None:
        """Says: "All other 4xx or 5xx response status codes MUST NOT be retried"."""
        assert {status for status in routes.CODES if status in RETRYABLE} == {429, 503}
        assert {status for status in routes.CODES if status not in RETRYABLE} == {400, 413, 415}
