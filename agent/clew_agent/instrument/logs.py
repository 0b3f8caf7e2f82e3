"""Ids on log lines: a structlog processor and a filter for Python's own logging."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from .context import current_ids

__all__ = ["AddIds", "add_ids"]

_NAMES = ("trace_id", "span_id", "parent_span_id", "caller_hop", "request_id")


def add_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the hop's ids on the line, where it does not name them itself (a structlog processor)."""
    for name, value in current_ids().items():
        event.setdefault(name, value)
    return event


class AddIds(logging.Filter):
    """Gives each record the hop's ids as attributes, and all of them as `ids`, in logfmt.

    On a handler (a filter on a logger does not see its children's records): `%(ids)s` in the format, or for JSON
    formatters `trace_id`, `span_id`, `parent_span_id`, `caller_hop`, `request_id`, empty where there is none.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        ids = current_ids()
        for name in _NAMES:
            if not hasattr(record, name):
                setattr(record, name, ids.get(name, ""))
        record.ids = " ".join(f"{name}={_quoted(value)}" for name, value in ids.items())
        return True


def _quoted(value: str) -> str:
    if not any(character in ' "=\\' for character in value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
