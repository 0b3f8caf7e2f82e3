"""What was learned, as one value that can be saved, compared and looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from clew_query.path.clock import Prior as ClockPrior

from .automaton import Automaton
from .lateness import Correction
from .senders import Senders
from .templates import Templates

__all__ = ["Model", "NamedEdge", "edges_of"]

UNCERTAINTY_NS = 5e6
"""Of an offset that no call bounds."""


@dataclass(slots=True)
class Model:
    """Everything that reading a transaction needs."""

    templates: Templates
    services: dict[str, int]
    """Numbers of the services that were seen; 0 is nobody's."""
    automaton: Automaton
    spawned: frozenset[int] = frozenset()
    """Kinds of lines that may begin what nobody waits for."""
    senders: Senders = field(default_factory=Senders)
    offsets: dict[str, float] = field(default_factory=dict)
    """For each host how far its clock is ahead of the common one, ns."""
    uncertainty: dict[str, float] = field(default_factory=dict)
    """For each host by how much its offset may be wrong, ns; missing where nothing bounds it."""
    lateness: dict[str, float] = field(default_factory=dict)
    transactions: int = 0
    lines: int = 0
    learned_s: float = 0.0
    """How long learning took."""
    loss: float = 0.0
    """Minus the log likelihood of a line, on average: lower is a model that is surprised less."""

    @property
    def correction(self) -> Correction:
        """How the times of lines as they were written are corrected."""
        return Correction(self.offsets, self.lateness)

    def clocks(self) -> dict[str, ClockPrior]:
        """Return what was learned of hosts' clocks; those that were found good are left out."""
        return {
            host: ClockPrior(round(offset), round(self.uncertainty.get(host, UNCERTAINTY_NS)), "learned", joint=True)
            for host, offset in self.offsets.items()
            if round(offset)
        }


@dataclass(frozen=True, slots=True)
class NamedEdge:
    """That a service calls another, as learned."""

    caller: str | None
    """None for calls from outside."""
    callee: str
    calls: float
    """How many calls were expected in the transactions that were learned from."""
    first_line: str
    """The words of the line that most of these calls begin with."""
    asynchronous: bool


def edges_of(model: Model) -> list[NamedEdge]:
    """Return who calls whom, the most frequent calls first."""
    prior = model.automaton.prior
    names = {number: name for name, number in model.services.items()}
    calls: dict[tuple[int, int], dict[int, float]] = {}
    for state, events in model.automaton.counts.items():
        for event, count in events.items():
            if event >= prior.kinds:
                kind = event - prior.kinds
                of_kind = calls.setdefault((prior.service[state[0]], prior.service[kind]), {})
                of_kind[kind] = of_kind.get(kind, 0.0) + count
    found = []
    for (caller, callee), of_kind in calls.items():
        most = max(of_kind, key=lambda kind: of_kind[kind])
        found.append(
            NamedEdge(
                names[caller] if caller else None,
                names[callee],
                sum(of_kind.values()),
                " ".join(model.templates.words[most]),
                asynchronous=False,
            )
        )
    for kind in sorted(model.spawned):
        sender = model.senders.likeliest(kind)
        if sender is not None and prior.service[sender] != prior.service[kind]:  # else an invocation that goes on
            words = " ".join(model.templates.words[kind])
            pair = names[prior.service[sender]], names[prior.service[kind]]
            found.append(NamedEdge(*pair, model.senders.seen[kind], words, asynchronous=True))
    return sorted(found, key=lambda edge: (-edge.calls, edge.caller or "", edge.callee))
