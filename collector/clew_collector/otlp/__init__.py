"""OTLP: what OpenTelemetry's exporters send, taken apart into lines of a chunk; `normalise.otlp` makes events of it."""

from .records import RECORD_BYTES_MAX, Records, chunks_of, take_logs, take_spans

__all__ = ["RECORD_BYTES_MAX", "Records", "chunks_of", "take_logs", "take_spans"]
