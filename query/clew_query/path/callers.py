"""Who called an invocation, as far as spans prove it; what they leave in doubt; who was called and never heard of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from .spans import ENTRY, EXIT, SpanTable

__all__ = ["Caller", "SpanLink", "find_callers", "find_links"]

NAMED = "a span names its parent span"
SHARED = "both sides of the call have the same span id"
LINKED = "its span has a link to the span that sent the message"
NO_PARENT = "its span names no parent"
CIRCLE = "the spans name each other as parents in a circle"

_NOBODY: list[int] = []


class Caller(msgspec.Struct):
    """What spans say about who called an invocation. `root`, `doubt`, `missing` hold only where `parent` is None."""

    parent: int | None = None
    """The invocation that certainly called it."""
    evidence: str = ""
    waited: bool | None = None
    """Whether the caller waited for it, whoever it is; None where the kinds of the spans do not say."""
    root: bool = False
    """Certainly nobody called it."""
    doubt: str = ""
    missing: str = ""
    """The id of a span that is named as its parent and is not here."""
    exchange: tuple[int, int] | None = None
    """The caller's span and the callee's that prove it."""


class SpanLink(msgspec.Struct, frozen=True):
    """A link from a span of an invocation to another span, which may be of another transaction."""

    group: int
    to: int | None
    """The invocation that has the other span, None where it is not here."""
    transaction_id: str
    span_id: str


def find_links(table: SpanTable, group: Sequence[int]) -> list[SpanLink]:
    """Return the links of all spans, each once, in order of the events that say so."""
    found: dict[SpanLink, None] = {}
    for span, event in table.linking:
        for link in event.links:
            owners = table.by_id.get(link.span_id, ()) if link.transaction_id == event.transaction_id else ()
            # A link names the message's sender: of two sides with one id, the one that calls.
            owners = [o for o in owners if table.side[o] == EXIT] or list(owners)
            to = group[owners[0]] if len({group[o] for o in owners}) == 1 else None
            found[SpanLink(group[span], to, link.transaction_id, link.span_id)] = None
    return list(found)


def find_callers(
    table: SpanTable, group: Sequence[int], count: int, links: Iterable[SpanLink]
) -> tuple[list[Caller], set[int]]:
    """Return a caller for each invocation, without cycles, and the spans that turned out to be a caller's."""
    search = _Search(table, group, [Caller() for _ in range(count)], [True] * count)
    for span in range(len(table)):
        search.look_at(span)
    callers, silent = search.callers, search.silent
    for link in links:
        caller = callers[link.group]
        unknown = caller.parent is None and (silent[link.group] or caller.missing)
        if unknown and link.to is not None and link.to != link.group:
            callers[link.group] = Caller(link.to, LINKED, waited=False)
    for g, real in zip(group, table.real, strict=True):
        if real and silent[g] and callers[g].parent is None:
            callers[g].root = True
    _open_circles(callers)
    return callers, search.claimed


@dataclass(slots=True)
class _Search:
    table: SpanTable
    group: Sequence[int]
    callers: list[Caller]
    silent: list[bool]
    """Of which invocations no span names a parent outside of it."""
    claimed: set[int] = field(default_factory=set)
    """Spans that are a caller's side of a call whose other side is here."""

    def look_at(self, span: int) -> None:
        """Take what a span says of the caller of its invocation."""
        table, group = self.table, self.group
        entry = table.side[span] == ENTRY
        if entry and len(table.by_id[table.ids[span]]) > 1 and self._shares(span):
            return
        g = group[span]
        for parent_id in table.parents[span]:
            owners = table.own.get((table.stream[span], parent_id)) or table.by_id.get(parent_id, _NOBODY)
            within = [o for o in owners if group[o] == g]
            if within:
                if entry:
                    self.claimed.update(within)
                continue
            self.silent[g] = False
            if self.callers[g].parent is None:
                self._judge(span, parent_id, [o for o in owners if o != span])

    def _shares(self, span: int) -> bool:
        """Take the other side of the same span as an entry's caller; return whether there is one."""
        table, g = self.table, self.group[span]
        owners = [o for o in table.by_id[table.ids[span]] if table.side[o] == EXIT and self.group[o] != g]
        if len({self.group[o] for o in owners}) != 1:
            return False
        self.silent[g] = False
        if self.callers[g].parent is None:
            self._prove(span, owners, SHARED)
        return True

    def _judge(self, span: int, parent_id: str, owners: list[int]) -> None:
        caller = self.callers[self.group[span]]
        if not owners:
            if not caller.doubt:
                caller.doubt = f"the parent span {parent_id} left no line"
                caller.missing = parent_id
                caller.waited = {"server": True, "consumer": False}.get(self.table.kind[span])
            return
        # Nearly always there is one, and narrowing down takes time.
        if len(owners) == 1:
            self._prove(span, owners, NAMED)
            return
        owners = self._narrowed(span, owners)
        invocations = {self.group[o] for o in owners}
        if len(invocations) == 1:
            self._prove(span, owners, NAMED)
        else:
            caller.doubt = f"the parent span {parent_id} was written by {len(invocations)} invocations"

    def _narrowed(self, span: int, owners: list[int]) -> list[int]:
        """Return those of the same instance, else of the same service, else the callee's sides, which call on."""
        stream, streams, side = self.table.stream[span], self.table.stream, self.table.side
        for wanted in (
            {o for o in owners if streams[o] == stream},
            {o for o in owners if streams[o][0] == stream[0]},
            {o for o in owners if side[o] == ENTRY},
        ):
            if len({self.group[o] for o in owners}) == 1:
                break
            owners = [o for o in owners if o in wanted] or owners
        return owners

    def _prove(self, span: int, owners: list[int], evidence: str) -> None:
        table, owner = self.table, owners[0]
        self.claimed.update(owners)
        waited: bool | None = None
        if table.kind[span] == "consumer" or table.kind[owner] == "producer":
            waited = False
        elif table.side[span] == ENTRY or table.side[owner] == EXIT:
            waited = True
        self.callers[self.group[span]] = Caller(self.group[owner], evidence, waited, exchange=(owner, span))


def _open_circles(callers: list[Caller]) -> None:
    for g in cyclic([caller.parent for caller in callers]):
        callers[g] = Caller(doubt=CIRCLE)


def cyclic(parent: Sequence[int | None]) -> list[int]:
    """Return the nodes that are their own ancestors, in order. Linear: every node is visited once."""
    state = bytearray(len(parent))  # 0 new, 1 on the way up that is being walked, 2 done
    found: list[int] = []
    for start in range(len(parent)):
        way: list[int] = []
        node: int | None = start
        while node is not None and not state[node]:
            state[node] = 1
            way.append(node)
            node = parent[node]
        if node is not None and state[node] == 1:
            found.extend(way[way.index(node) :])
        for visited in way:
            state[visited] = 2
    return sorted(found)
