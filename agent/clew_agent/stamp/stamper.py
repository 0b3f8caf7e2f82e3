"""The stamping ladder: which transaction each line of a chunk belongs to, found over the whole chunk at once."""

from __future__ import annotations

from binascii import unhexlify
from dataclasses import dataclass, field
from typing import cast

from clew_agent.wire import NO_TRANSACTION, Origin, map_alias

from .aliases import BUILT_IN, find_aliases, named_by
from .anchors import Anchors
from .notations import NOTATIONS, find_trace_ids
from .objects import common_ids, object_ids
from .settings import StampSettings
from .text import Text

__all__ = ["Stamper", "Stamps"]

_ALIAS_ANCHORS = Anchors(notation.anchor for notation in BUILT_IN)
_ANCHORS = Anchors(notation.anchor for notation in (*NOTATIONS, *BUILT_IN) if notation.anchor)


@dataclass(frozen=True, slots=True)
class Stamps:
    """The columns of a chunk that say which transactions its lines belong to; see `clew_agent.wire.Chunk`."""

    ids: bytes = b""
    origins: bytes = b""
    aliases: dict[int, tuple[str, ...]] = field(default_factory=dict)


class Stamper:
    r"""Gives each line its transaction id, from the highest rung that holds; thread-safe, the same for the same bytes.

    | rung | what the line has | transaction id |
    | --- | --- | --- |
    | line | a field of a JSON object: `trace_id`, `traceId`, `trace.id`, `traceID`, `TraceId`, `otelTraceID`, | it |
    | | `dd.trace_id`; else the first id in the line that is written as | |
    | | - W3C `00-<32 hex>-<16 hex>-<2 hex>`, with or without `traceparent` | |
    | | - a trace key (`trace_id=`, `"traceId":"`, `\\"trace.id\\": \\"`, `TraceID: `, `dd.trace_id`, `otelTraceID`, | |
    | | `"trace":{"id":"`, `X-B3-TraceId`, `X-Amzn-Trace-Id`, `uber-trace-id`, `X-Cloud-Trace-Context`) with | |
    | | 32 or 16 hex digits, 17 to 39 decimal ones, a UUID or an X-Ray root | |
    | | - Sleuth/Brave `[service,<trace>,<span>]`, Spring Boot `[<trace>-<span>]` | |
    | | - X-Ray `Root=1-<8 hex>-<24 hex>` | |
    | | - B3 `b3: <trace>-<span>...` | |
    | alias | a request id: `X-Request-ID`, `request_id`, `requestId`, `req.id`, `"req":{"id":`, | |
    | | `X-Correlation-ID`, `correlation_id`, `correlationId`, or a key from `StampSettings.alias_keys` | `map_alias` |
    | inherited | (not yet) the id of its execution context, from an earlier line | |
    | generated | none of these | the event id; nothing is stored for it |

    Request ids are kept as they are written, also beside a trace id: that line then unites both names.
    """

    def __init__(self, settings: StampSettings) -> None:
        self._own_aliases = named_by(settings.alias_keys)

    def stamp(self, text: Text) -> Stamps:
        """Return the columns for these lines; empty where no line has an id."""
        common = common_ids(text)
        ids = [] if common else object_ids(text)
        complete = bool(common) or (bool(ids) and all(ids))
        present = (_ALIAS_ANCHORS if complete else _ANCHORS).present(text.payload)
        if not complete:
            found = find_trace_ids(text, [n for n in NOTATIONS if not n.anchor or n.anchor in present])
            if found:
                ids = [own or found.get(line) for line, own in enumerate(ids or [None] * len(text))]
        named = find_aliases(text, [*(n for n in BUILT_IN if n.anchor in present), *self._own_aliases])
        if not ids and not named and not common:
            return Stamps()
        if complete and not named:
            return Stamps(common or unhexlify("".join(cast("list[str]", ids))), bytes([Origin.LINE]) * len(text))
        if common:
            digits = common.hex()
            ids = [digits[at : at + len(NO_TRANSACTION)] for at in range(0, len(digits), len(NO_TRANSACTION))]
        ids = ids or [None] * len(text)
        origins = bytearray(map(bool, ids))  # GENERATED is 0, LINE is 1
        aliases: dict[int, tuple[str, ...]] = {}
        for line, names in named.items():
            if ids[line] is None:
                ids[line] = map_alias(names[0])
                origins[line] = Origin.ALIAS
            # An alias that is letter for letter the transaction id says nothing.
            if others := tuple(name for name in names if name != ids[line]):
                aliases[line] = others
        return Stamps(unhexlify("".join([name or NO_TRANSACTION for name in ids])), bytes(origins), aliases)
