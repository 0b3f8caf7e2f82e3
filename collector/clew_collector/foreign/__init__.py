"""Messages that others wrote to a topic, as events: OTLP of the OpenTelemetry Collector, JSON of log shippers."""

from .decoder import Decoded, ForeignDecoder, Message
from .form import FORM_HEADER, Form, form_of
from .origin import ORIGIN_HEADER, Origin

__all__ = [
    "FORM_HEADER",
    "ORIGIN_HEADER",
    "Decoded",
    "ForeignDecoder",
    "Form",
    "Message",
    "Origin",
    "form_of",
]
