"""All lines of a transaction, whatever it is called: every line that shares an id with it, and so on.

Lines that name two ids tie both names together. The closure is bounded, and an id on the lines of many transactions
(a user, a session, a tenant) names no transaction: it unites nothing, and the answer says so. Span ids find a
transaction but tie nothing: they are unique in one transaction only (W3C Trace Context, section 3.2.2.4).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from clew_agent.wire import Origin, map_alias
from clew_collector.event import Event
from clew_collector.store.expression import And, Expression, Not, Or, Term
from clew_collector.store.protocol import LIMIT_MAX, SearchRequest, Store

__all__ = ["Collected", "collect_transaction"]

EVENTS_MAX = 10_000
IDS_MAX = 256
SHARING_MAX = 20
NAMED_LINES_MAX = 100
"""Lines looked at to see whether an id is a name there or a span's."""

_RUNGS = {origin.label: rank for rank, origin in enumerate((Origin.LINE, Origin.ALIAS, Origin.INHERITED))}


@dataclass(frozen=True, slots=True)
class Collected:
    """The lines of one transaction, in order of time, and all its names."""

    transaction_id: str
    """The same whichever id was asked for: of those that the lines carry, the one that was best known, then first."""
    aliases: tuple[str, ...]
    """Its other names: ids as written, and transaction ids that were united with this one."""
    events: tuple[Event, ...]
    total: int
    """How many lines there are; `events` holds the first of them."""
    notes: tuple[str, ...] = ()
    """What was left out, in sentences."""

    @property
    def returned(self) -> int:
        """How many lines are here."""
        return len(self.events)

    @property
    def truncated(self) -> bool:
        """Whether there are more."""
        return self.total > self.returned


async def collect_transaction(
    store: Store, any_id: str, *, limit: int = EVENTS_MAX, ids_max: int = IDS_MAX, sharing_max: int = SHARING_MAX
) -> Collected | None:
    """Return the transaction that any id names (in any notation, an alias as written, a span), None if none does.

    At most `limit` lines, `ids_max` names; an alias shared by more than `sharing_max` transactions unites nothing.
    Raises StoreError as the store does.
    """
    notes: list[str] = []
    first = await _find(store, any_id.strip(), sharing_max, notes)
    if first is None:
        return None
    transactions, asked = [first], set[str]()
    while True:
        events, total = await _lines(store, transactions, limit)
        aliases = list(dict.fromkeys(alias for event in events for alias in event.aliases))
        room = ids_max - len(transactions) - len(asked)
        new = [alias for alias in aliases if alias not in asked]
        if len(new) > room:
            notes.append(f"its lines have more than {ids_max} ids; not all were followed")
        asked.update(new[: max(room, 0)])
        joined = await _united(store, new[: max(room, 0)], transactions, sharing_max, notes) if room > 0 else []
        if not joined:
            break
        transactions += joined[: max(ids_max - len(transactions) - len(asked), 1)]
    name = _best_name(events, first)
    others = dict.fromkeys([*aliases, *transactions])
    others.pop(name, None)
    return Collected(name, tuple(others), tuple(events), total, tuple(dict.fromkeys(notes)))


async def _find(store: Store, asked: str, sharing_max: int, notes: list[str]) -> str | None:
    """Return the id of the transaction that is meant, None if nothing is known by it."""
    if not asked:
        return None
    own = map_alias(asked)
    # A transaction's own id, in whatever notation, is what an id is most probably meant as.
    if await store.count(Term("transaction_id", own)):
        return own
    for written in dict.fromkeys((asked, asked.lower())):
        page = await store.search(SearchRequest(Term("ids", written), limit=1))
        if not page.events:
            continue
        latest = page.events[0]
        sharing = await _transactions_with(store, (written,), (), sharing_max)
        # Transactions that share an alias are one, unless it is a hub; that share a span id, two.
        if len(sharing) > (sharing_max if written in latest.aliases else 1):
            many = f"more than {sharing_max}" if len(sharing) > sharing_max else f"{len(sharing)}"
            notes.append(f"{written} is on lines of {many} transactions; this is the latest of them")
        return latest.transaction_id
    return None


async def _lines(store: Store, transactions: Sequence[str], limit: int) -> tuple[list[Event], int]:
    """Return the first lines of these transactions in order of time, and how many there are in all."""
    request = SearchRequest(_any("transaction_id", transactions), order="asc", limit=min(limit, LIMIT_MAX))
    page = await store.search(request)
    events, total = list(page.events), page.total
    while page.cursor is not None and len(events) < limit:
        page = await store.search(replace(request, after=page.cursor, limit=min(limit - len(events), LIMIT_MAX)))
        events += page.events
    return events, total


async def _united(
    store: Store, aliases: Sequence[str], known: Sequence[str], sharing_max: int, notes: list[str]
) -> list[str]:
    """Return further transactions that have one of the aliases, leaving out aliases that too many have."""
    if not aliases or not await _transactions_with(store, _written_forms(aliases), known, sharing_max):
        return []
    united: dict[str, None] = {}
    for alias in aliases:
        forms = _written_forms((alias,))
        sharing = await _transactions_with(store, forms, known, sharing_max)
        if len(sharing) >= sharing_max:
            notes.append(f"{alias} is shared by more than {sharing_max} transactions and unites none")
            continue
        for transaction in sharing:
            if transaction not in united and await _names(store, transaction, forms):
                united[transaction] = None
    return list(united)


async def _names(store: Store, transaction: str, forms: Collection[str]) -> bool:
    """Return whether a line of the transaction has one of these as a name, not only as a span's id."""
    if transaction in forms:
        return True
    expression = And((Term("transaction_id", transaction), _any("ids", forms)))
    page = await store.search(SearchRequest(expression, limit=NAMED_LINES_MAX))
    return any(not set(forms).isdisjoint(event.aliases) for event in page.events)


async def _transactions_with(store: Store, ids: Collection[str], known: Collection[str], sharing_max: int) -> list[str]:
    """Return other transactions than the known ones with a line that has one of the ids; one over the limit at most."""
    expression: Expression = _any("ids", ids)
    if known:
        expression = And((expression, Not(_any("transaction_id", known))))
    values = await store.facet(expression, "transaction_id", limit=sharing_max + 1)
    return [value.value for value in values]


def _written_forms(aliases: Collection[str]) -> tuple[str, ...]:
    """Return the aliases, and the transaction ids that lines get which name nothing else."""
    return tuple(dict.fromkeys([*aliases, *map(map_alias, aliases)]))


def _any(field: str, values: Collection[str]) -> Expression:
    terms = tuple(Term(field, value) for value in values)
    return terms[0] if len(terms) == 1 else Or(terms)


def _best_name(events: Sequence[Event], otherwise: str) -> str:
    if not events:
        return otherwise
    return min(events, key=lambda event: _RUNGS.get(event.transaction_origin, len(_RUNGS))).transaction_id
