"""The stamping ladder: which transaction each line of a chunk belongs to, found over the whole chunk at once."""

from __future__ import annotations

from binascii import unhexlify
from dataclasses import dataclass, field

from clew_agent.wire import NO_TRANSACTION, Origin, map_alias

from .aliases import alias_notations, find_aliases
from .notations import NOTATIONS, find_trace_ids
from .objects import object_ids
from .settings import StampSettings
from .text import Text

__all__ = ["Stamper", "Stamps"]

_NOTHING = NO_TRANSACTION.encode("ascii")


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
    | line | a field `trace_id`, `traceId` or `trace.id` of a JSON object | it |
    | | W3C `00-<32 hex>-<16 hex>-<2 hex>`, with or without `traceparent` | the first of the line |
    | | a trace key (`trace_id=`, `"traceId":"`, `\\"trace.id\\": \\"`, `TraceID: `, `dd.trace_id`, `otelTraceID`, |
    | | `"trace":{"id":"`, `X-B3-TraceId`, `X-Amzn-Trace-Id`, `uber-trace-id`, `X-Cloud-Trace-Context`) with | |
    | | 32 or 16 hex digits, 17 to 39 decimal ones, a UUID or an X-Ray root | the first of the line |
    | | Sleuth/Brave `[service,<trace>,<span>]`, Spring Boot `[<trace>-<span>]` | the first of the line |
    | | X-Ray `Root=1-<8 hex>-<24 hex>` | the first of the line |
    | | B3 `b3: <trace>-<span>...` | the first of the line |
    | alias | a request id: `X-Request-ID`, `request_id`, `requestId`, `req.id`, `"req":{"id":`, | |
    | | `X-Correlation-ID`, `correlation_id`, `correlationId`, or a key from `StampSettings.alias_keys` | `map_alias` |
    | inherited | (not yet) the id of its execution context, from an earlier line | |
    | generated | none of these | the event id; nothing is stored for it |

    Request ids are kept as they are written, also beside a trace id: that line then unites both names.
    """

    def __init__(self, settings: StampSettings) -> None:
        self._aliases = alias_notations(settings.alias_keys)

    def stamp(self, text: Text) -> Stamps:
        """Return the columns for these lines; empty where no line has an id."""
        found = object_ids(text)
        for notation in NOTATIONS:
            if len(found) == len(text):
                break
            found = find_trace_ids(text, notation) | found
        named = find_aliases(text, self._aliases)
        if not found and not named:
            return Stamps()
        origins = bytearray(len(text))
        for line in found:
            origins[line] = Origin.LINE
        mapped: dict[str, bytes] = {}
        for line, names in named.items():
            if line not in found:
                found[line] = mapped.get(names[0]) or mapped.setdefault(names[0], map_alias(names[0]).encode("ascii"))
                origins[line] = Origin.ALIAS
        ids = b"".join([found.get(line, _NOTHING) for line in range(len(text))])
        return Stamps(unhexlify(ids), bytes(origins), _beside(found, named))


def _beside(ids: dict[int, bytes], named: dict[int, list[str]]) -> dict[int, tuple[str, ...]]:
    """Return the request ids that are not, letter for letter, the transaction id."""
    others = {line: tuple(name for name in names if name.encode("ascii") != ids[line]) for line, names in named.items()}
    return {line: names for line, names in others.items() if names}
