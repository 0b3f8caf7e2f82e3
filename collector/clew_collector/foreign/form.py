"""What a topic's messages are: said by a header of the message, else by the topic's setting."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["FORM_HEADER", "Form", "form_of"]

FORM_HEADER = "clew-form"


class Form(StrEnum):
    """A form of messages that are not Clew's own chunks."""

    OTLP_LOGS = "otlp_logs"
    """Logs as the OpenTelemetry Collector writes them to Kafka (`otlp_proto`, `otlp_json`)."""
    OTLP_TRACES = "otlp_traces"
    """The same for traces."""
    JSON = "json"
    """An object, several on lines, or a list: Filebeat, Fluent Bit, Vector, or any program's own."""
    TEXT = "text"
    """Each message is a line as the program wrote it."""


def form_of(headers: Iterable[tuple[str, bytes | None]], configured: Form | None) -> Form | None:
    """Return the form: of the header `clew-form`, else as configured; None if neither says one that is known."""
    for name, value in headers:
        if name.lower() == FORM_HEADER and value is not None:
            text = value.decode("ascii", "replace")
            return Form(text) if text in {form.value for form in Form} else None
    return configured
