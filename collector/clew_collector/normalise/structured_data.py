"""RFC 5424 structured data: `[id name="value" ...][...]` as attributes `id.name`."""

from __future__ import annotations

import re

from .reading import Reading
from .spans import span_of_hex

__all__ = ["read_structured_data"]

_ELEMENT = re.compile(r'\[([^\s\]="]{1,32})((?:[^"\]]|"(?:[^"\\]|\\.)*+")*+)\]', re.ASCII | re.DOTALL)
_PARAMETER = re.compile(r'([^\s\]="]{1,32})="((?:[^"\\]|\\.)*+)"', re.ASCII | re.DOTALL)
# Section 6.3.3: these three characters are escaped by a backslash, nothing else is.
_ESCAPED = re.compile(r'\\(["\\\]])')
_PARAMETERS_MAX = 64


def read_structured_data(reading: Reading, text: str) -> None:
    """Add the parameters as attributes, at most 64; the rest is counted.

    The span id of the element `opentelemetry` (OpenTelemetry's rule for trace context in other log formats) becomes the
    event's.
    """
    for element in _ELEMENT.finditer(text):
        for parameter in _PARAMETER.finditer(element[2]):
            key = f"{element[1]}.{parameter[1]}"
            if len(reading.attributes) >= _PARAMETERS_MAX or key in reading.attributes:
                reading.dropped += 1
            elif key == "opentelemetry.span_id" and (span := span_of_hex(parameter[2])):
                reading.span_id = span
            else:
                reading.attributes[key] = _ESCAPED.sub(r"\1", parameter[2])
