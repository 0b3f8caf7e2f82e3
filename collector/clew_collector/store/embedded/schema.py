"""The fields of an index: one document is one event. Changing them means that existing stores must be rebuilt.

position            log position of the event's record: the highest one committed says where reading goes on
time                what events are ordered by (i64, ns); `observed_timestamp` beside it
duration            of a span, ns; other events have none (MARK_LASTING)
place_high, _low    the event id as two u64: ties of time, and the event by its id
terms               every keyword as FIELD NUL VALUE, those of attributes and the file id too: one field, as each
                    field of a document costs more than its value, and as hostile attribute keys cannot explode it.
                    Empty values are left out, and ids made from the event id (MARK_GENERATED): their place finds them.
                    `number.KEY` NUL sixteen hex digits that sort like the number (`terms.number_code`);
                    `record` NUL the event id, where there is no file that leads to the event (MARK_RECORD);
                    `mark` NUL what is not there, see MARK_...
values, body        text, by tokens
marks               what is not there: see MARK_...
event               the event itself, msgpack
"""

from __future__ import annotations

import tantivy

__all__ = [
    "ID_FIELDS",
    "MARK_BODYLESS",
    "MARK_GENERATED",
    "MARK_IRREGULAR",
    "MARK_LASTING",
    "MARK_RECORD",
    "MARK_UNTIMED",
    "ORDER_FIELDS",
    "RECORD_FIELD",
    "SCHEMA",
    "SIGNED_FIELDS",
    "register_tokens",
]

ID_FIELDS = ("transaction_id", "aliases", "span_id", "parent_span_id")
SIGNED_FIELDS = frozenset({"time", "observed_timestamp"})
ORDER_FIELDS = ("time", "place_high", "place_low")

MARK_GENERATED = "generated"
"""The transaction id is the event id."""
MARK_IRREGULAR = "irregular"
"""The transaction id is not 32 hex digits."""
MARK_BODYLESS = "bodyless"
MARK_LASTING = "lasting"
"""There is a duration."""
MARK_RECORD = "record"
"""The event did not come from a file."""
MARK_UNTIMED = "untimed"
"""There is no timestamp; `time` is when the line was read."""

RECORD_FIELD = "record"
_TOKENS = "clew"


def _build() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("position", "place_high", "place_low", "offset", "length", "severity_number", "duration"):
        builder.add_unsigned_field(name, fast=True)
    for name in sorted(SIGNED_FIELDS):
        builder.add_integer_field(name, fast=True)
    builder.add_text_field("terms", tokenizer_name="raw", index_option="basic")
    for name in ("body", "values"):
        builder.add_text_field(name, tokenizer_name=_TOKENS, index_option="position")
    builder.add_bytes_field("event", stored=True)
    return builder.build()


SCHEMA = _build()


def register_tokens(index: tantivy.Index) -> None:
    """Make an index split text as `expression.tokens` does, for text prepared by `terms.indexable`."""
    analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase()).build()
    index.register_tokenizer(_TOKENS, analyzer)
