"""Messages that others wrote to a topic, as events: OTLP of the OpenTelemetry Collector, JSON of log shippers."""

from .decoder import Decoded, ForeignDecoder, Message
from .form import Form, form_of

__all__ = ["Decoded", "ForeignDecoder", "Form", "Message", "form_of"]
