"""Index templates: what Elasticsearch is told about our fields. Pure.

The mapping is bounded whatever arrives: `dynamic: false`, attributes `flattened`, and as many numbers as fit under
`FIELDS_MAX`; what is over stays in `terms` and `values`, which Clew's own questions use:

time, place_high, place_low   the order of events: ns, and the event id as two signed 64-bit numbers
terms                         attributes: `=KEY NUL VALUE`, and `#KEY NUL CODE` for numbers: sixteen hex digits that
                              sort like the number. Any key, exact ranges, patterns, and no field for each key
words, values                 body and attributes' values by tokens, made here: the analyzer only splits at spaces
long_words                    tokens that are longer than the analyzer takes
marks                         what an event is or has not: see MARK_...
attributes, numbers, @timestamp   for people with Kibana or Grafana
event                         the whole event, msgpack, only where the readable fields cannot say it exactly
"""

from __future__ import annotations

from typing import Any

from .names import Names

__all__ = ["FIELDS_MAX", "MARK_BODY", "MARK_GENERATED", "MARK_UNTIMED", "VERSION", "events_template", "state_template"]

VERSION = 1
"""Of the mapping; a cluster whose template is of a higher one was written by a newer Clew."""
FIELDS_MAX = 60
RESULT_WINDOW_MAX = 10_001
"""The store's largest page, and one more event, which says whether there is another page."""

MARK_GENERATED = "generated"
"""The transaction id is the event id."""
MARK_UNTIMED = "untimed"
"""There is no timestamp; `time` is when the line was read."""
MARK_BODY = "body"
"""There is a body, if perhaps without a token."""

ATTRIBUTE_CHARACTERS_MAX = 4096
"""A longer value is found in `terms`; with its key, Lucene must have room for it."""
_KEYWORDS = (
    "service", "host", "instance", "source", "severity_text", "transaction_id", "transaction_origin", "aliases",
    "span_id", "parent_span_id", "kind", "status", "linked", "file_id", "marks", "terms", "long_words",
)  # fmt: skip


def _properties() -> dict[str, Any]:
    indexed, fast = {"type": "long"}, {"type": "long", "index": False}
    kept = {"type": "keyword", "index": False, "doc_values": False}
    text = {"type": "text", "analyzer": "whitespace", "norms": False, "position_increment_gap": 100}
    return {
        **{name: {"type": "keyword"} for name in _KEYWORDS},
        "@timestamp": {"type": "date"},
        "time": indexed,
        "observed_timestamp": indexed,
        "duration": indexed,
        "severity_number": {"type": "byte"},
        "place_high": fast,
        "place_low": fast,
        "offset": fast,
        "length": fast,
        "words": text,
        "values": text,
        "body": kept,
        "original": kept,
        "original_base64": kept,
        "event": kept,
        "attributes": {"type": "flattened", "ignore_above": ATTRIBUTE_CHARACTERS_MAX},
        "numbers": {"type": "object", "dynamic": True, "subobjects": False},
    }


def events_template(names: Names, *, shards: int, replicas: int) -> dict[str, Any]:
    """Return the template of all indices of events."""
    return {
        "index_patterns": [names.all_events],
        "priority": 500,
        "version": VERSION,
        "_meta": {"description": "Clew's events, an index a day", "made_by": "clew", "version": VERSION},
        "template": {
            "settings": {
                "number_of_shards": shards,
                "number_of_replicas": replicas,
                "codec": "best_compression",
                # A write ends with a refresh; this one is for what a killed collector left.
                "refresh_interval": "30s",
                "max_result_window": RESULT_WINDOW_MAX,
                "mapping.total_fields.limit": FIELDS_MAX,
                "mapping.total_fields.ignore_dynamic_beyond_limit": True,
            },
            "mappings": {
                "_meta": {"made_by": "clew", "version": VERSION},
                "dynamic": False,
                "dynamic_templates": [
                    {"numbers": {"path_match": "numbers.*", "mapping": {"type": "double", "ignore_malformed": True}}}
                ],
                "properties": _properties(),
            },
        },
    }


def state_template(names: Names, *, replicas: int) -> dict[str, Any]:
    """Return the template of what is kept beside the events."""
    return {
        "index_patterns": [names.all_state],
        "priority": 500,
        "version": VERSION,
        "_meta": {"description": "What Clew's collectors remember", "made_by": "clew", "version": VERSION},
        "template": {
            "settings": {
                "number_of_shards": 1,
                "number_of_replicas": replicas,
                "max_result_window": RESULT_WINDOW_MAX,
            },
            "mappings": {
                "_meta": {"made_by": "clew", "version": VERSION},
                "dynamic": False,
                "properties": {
                    "day": {"type": "keyword"},
                    "position": {"type": "long"},
                    **{name: {"type": "keyword"} for name in ("transaction_id", "services", "root", "name", "days")},
                    **{name: {"type": "long"} for name in ("start", "end", "duration")},
                    "severity_number": {"type": "byte"},
                },
            },
        },
    }
