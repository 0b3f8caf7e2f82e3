"""Messages that others wrote to a topic, as events: OTLP of the OpenTelemetry Collector, JSON of log shippers.

`decoder` imports Protobuf and the normaliser; what stands here does not, for settings name forms.
"""

from .form import FORM_HEADER, Form, form_of

__all__ = ["FORM_HEADER", "Form", "form_of"]
