"""The official Python exporters against the real collector program: what they send is there, once, through a kill."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from tests.scenarios.collector_program import CollectorProgram, wait_until_stored

from clew_collector.event import Event
from clew_collector.service import Readers
from clew_collector.store.protocol import SearchRequest

RESOURCE = Resource({"service.name": "shop", "service.instance.id": "shop-1", "host.name": "alpha"})


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[CollectorProgram]:
    with CollectorProgram(tmp_path / "data") as program:
        yield program


def stored(program: CollectorProgram) -> list[Event]:
    async def look() -> list[Event]:
        readers = await Readers.open(program.data)
        try:
            assert (await readers.audit()).clean
            return list((await readers.store.search(SearchRequest(order="asc", limit=10_000))).events)
        finally:
            await readers.close()

    wait_until_stored(program)
    return asyncio.run(look())


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
class TestExporters:
    def test_send_spans_that_are_there_once(self, collector: CollectorProgram, compression: Compression) -> None:
        memory, provider = InMemorySpanExporter(), TracerProvider(resource=RESOURCE)
        provider.add_span_processor(SimpleSpanProcessor(memory))
        tracer = provider.get_tracer("shop.payment", "1.2")
        with tracer.start_as_current_span("GET /pay", kind=SpanKind.SERVER) as server:
            link = Link(server.get_span_context())
            with tracer.start_as_current_span("charge", kind=SpanKind.CLIENT, links=[link]) as client:
                client.set_attribute("amount", 12.5)
                client.set_status(Status(StatusCode.ERROR, "declined"))
        exporter = OTLPSpanExporter(collector.url + "/v1/traces", compression=compression)
        for _ in range(2):
            assert exporter.export(memory.get_finished_spans()) is SpanExportResult.SUCCESS
        exporter.shutdown()
        provider.shutdown()

        outer, inner = stored(collector)
        sent = {one.name: one for one in memory.get_finished_spans()}
        context = sent["GET /pay"].get_span_context()
        assert context is not None
        assert (outer.body, outer.kind, outer.status, outer.service, outer.host) == (
            "GET /pay", "server", "", "shop", "alpha",
        )  # fmt: skip
        assert outer.transaction_id == inner.transaction_id == trace.format_trace_id(context.trace_id)
        assert (inner.kind, inner.status, inner.severity_number) == ("client", "error", 17)
        assert inner.parent_span_id == outer.span_id == trace.format_span_id(context.span_id)
        assert inner.links[0].span_id == outer.span_id
        assert inner.attributes["amount"] == 12.5
        assert inner.attributes["otel.status_description"] == "declined"
        for event in (outer, inner):
            one = sent[event.body]
            assert one.start_time is not None
            assert one.end_time is not None
            assert (event.time, event.duration) == (one.start_time, one.end_time - one.start_time)

    def test_send_log_records_that_are_there_once(self, collector: CollectorProgram, compression: Compression) -> None:
        memory, provider = InMemoryLogRecordExporter(), LoggerProvider(resource=RESOURCE)
        provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
        logger = provider.get_logger("shop.payment")
        for number in range(50):
            logger.emit(
                timestamp=1_795_478_400_000_000_000 + number,
                severity_number=SeverityNumber.WARN,
                severity_text="WARNING",
                body=f"line {number}",
                attributes={"number": number, "request_id": "order-4711"},
            )
        exporter = OTLPLogExporter(collector.url + "/v1/logs", compression=compression)
        records = memory.get_finished_logs()
        assert exporter.export(records[:30]) is LogRecordExportResult.SUCCESS
        # Some of them again, in other company.
        assert exporter.export(records[20:]) is LogRecordExportResult.SUCCESS
        exporter.shutdown()
        provider.shutdown()
        events = stored(collector)
        assert [event.body for event in events] == [f"line {number}" for number in range(50)]
        assert {event.severity_number for event in events} == {13}
        assert [event.attributes["number"] for event in events] == list(range(50))
        assert {event.aliases for event in events} == {("order-4711",)}


def test_what_was_acknowledged_is_there_after_a_kill(collector: CollectorProgram) -> None:
    memory, provider = InMemorySpanExporter(), TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for number in range(100):
        provider.get_tracer("t").start_span(f"span {number}").end()
    spans = memory.get_finished_spans()
    for first in range(0, 100, 10):
        exporter = OTLPSpanExporter(collector.url + "/v1/traces")
        assert exporter.export(spans[first : first + 10]) is SpanExportResult.SUCCESS
        collector.kill()
        collector.start()
        again = OTLPSpanExporter(collector.url + "/v1/traces")
        assert again.export(spans[first : first + 10]) is SpanExportResult.SUCCESS
        exporter.shutdown()
        again.shutdown()
    provider.shutdown()
    assert sorted(event.body for event in stored(collector)) == sorted(f"span {number}" for number in range(100))


def test_what_was_sent_while_it_was_away_comes_with_the_next_attempt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory, provider = InMemorySpanExporter(), TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer("t").start_span("a").end()
    with CollectorProgram(tmp_path / "data") as program:
        exporter = OTLPSpanExporter(program.url + "/v1/traces", timeout=1)
        program.stop()
        with caplog.at_level(logging.CRITICAL):
            assert exporter.export(memory.get_finished_spans()) is SpanExportResult.FAILURE
        program.start()
        exporter.shutdown()
        exporter = OTLPSpanExporter(program.url + "/v1/traces")
        assert exporter.export(memory.get_finished_spans()) is SpanExportResult.SUCCESS
        exporter.shutdown()
        assert len(stored(program)) == 1
    provider.shutdown()
