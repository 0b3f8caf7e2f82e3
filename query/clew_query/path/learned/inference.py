"""The learned model behind the seam of path inference."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from clew_query.path.facts import UNKNOWN, Facts, Stream, stream_of
from clew_query.path.inference import Inference, Inferred, Link
from clew_query.path.interval import IntervalInference

from .decode import Decoded, decode
from .lateness import Correction
from .learning import lattice_of
from .model import Model
from .sequence import STREAMS_MAX, Trail, make_trail

__all__ = ["LearnedInference"]

CACHED_MAX = 2_000
LINES_CACHED_MAX = 500
UNSEEN_MAX = 0.3
"""Share of lines of services that the model has never seen, from which it has nothing to say."""
TRANSACTIONS_MIN = 5
LINES_PER_BEAM = 4_000
"""Readings times lines: a long transaction is read with fewer readings at a time."""
BEAM_MIN = 3
PROBABILITY_MIN = 0.001


class LearnedInference:
    """Reads transactions with a model; what it does not know is left to nesting and order.

    The model's offsets are not applied: they are given to `build_path` as `clocks`, which shows them, too. May be asked
    from several threads.
    """

    def __init__(self, model: Model, otherwise: Inference | None = None) -> None:
        self.model = model
        self._otherwise = otherwise or IntervalInference()
        self._correction = Correction(lateness=model.lateness)
        self._lattice = lattice_of(model)
        self._turn = Lock()
        self._cache: OrderedDict[Trail, Decoded] = OrderedDict()
        self.decoded = 0
        """How many transactions were read that were not in the cache."""
        self._made: dict[tuple[int, int], float] = {}
        self._total: dict[int, float] = {}
        prior = model.automaton.prior
        for state, events in model.automaton.counts.items():
            for event, count in events.items():
                if event >= prior.kinds:
                    key = prior.service[state[0]], event - prior.kinds
                    self._made[key] = self._made.get(key, 0.0) + count
                    self._total[key[1]] = self._total.get(key[1], 0.0) + count

    def infer(self, facts: Facts) -> Inferred:
        """Return the likeliest tree; lines that spans tie together stay together."""
        events = facts.events
        unseen = sum(event.service not in self.model.services for event in events)
        if self.model.transactions < TRANSACTIONS_MIN or unseen > UNSEEN_MAX * len(events):
            return self._otherwise.infer(facts)
        model = self.model
        trail, order = make_trail(events, model.templates, model.services, self._correction)
        with self._turn:
            decoded = self._decode(trail)
        of_line = [0] * len(events)
        for place, number in zip(order, decoded.invocation, strict=True):
            of_line[place] = number
        return self._told(facts, trail, decoded, of_line)

    def _decode(self, trail: Trail) -> Decoded:
        known = self._cache.get(trail)
        if known is not None:
            self._cache.move_to_end(trail)
            return known
        self._lattice.beam = max(BEAM_MIN, min(24, LINES_PER_BEAM // max(1, len(trail))))
        self.decoded += 1
        known = decode(self._lattice, trail, self.model.senders)
        if len(trail) <= LINES_CACHED_MAX:
            self._cache[trail] = known
            if len(self._cache) > CACHED_MAX:
                self._cache.popitem(last=False)
        return known

    def _told(self, facts: Facts, trail: Trail, decoded: Decoded, of_line: list[int]) -> Inferred:
        """Return the tree, invocations numbered by first lines in the facts' order, one for all lines of a group."""
        key_of_group: dict[int, int] = {}
        number: dict[tuple[int, int, Stream | None], int] = {}
        sources: list[int] = []
        invocation: list[int] = []
        for event, line, group in zip(facts.events, of_line, facts.group, strict=True):
            key: tuple[int, int, Stream | None] = (UNKNOWN, line, stream_of(event))
            if group != UNKNOWN:
                key = (group, key_of_group.setdefault(group, line), None)
            if key not in number:
                number[key] = len(sources)
                sources.append(key[1])
            invocation.append(number[key])
        first: dict[int, int] = {}
        for told, source in enumerate(sources):
            first.setdefault(source, told)
        links = []
        before = caller_lines(trail, decoded)
        for told, source in enumerate(sources):
            link = self._link(trail, decoded, source, before[source])
            parent = None if link.parent is None else first.get(link.parent)
            links.append(Link(None if parent == told else parent, link.probability, link.evidence))
        return Inferred(tuple(invocation), tuple(links))

    def _link(self, trail: Trail, decoded: Decoded, number: int, before: int | None) -> Link:
        call = decoded.calls[number]
        kind = trail.kinds[call.first]
        total = self._total.get(kind, 0.0)
        learned = f"learned from {self.model.transactions:,} transactions"
        probability = max(PROBABILITY_MIN, round(min(call.probability, 1.0), 3))
        if call.parent is None:
            return Link(None, probability, (f"such lines begin at nobody's call; {learned}",))
        caller = trail.streams[decoded.calls[call.parent].first] // STREAMS_MAX
        if call.spawned:
            return Link(
                call.parent,
                probability,
                (f"begins at any time after lines of the caller, and goes along with them; {learned}",),
            )
        made = self._made.get((caller, kind), 0.0)
        share = f"{round(made):,} of {round(total):,} calls that begin with such a line come from this service"
        evidence = [f"{share}; {learned}" if made >= 0.5 else f"the order of lines speaks for it; {learned}"]
        if before is not None and self.model.automaton.prior.named(before, kind) > NAMED_MIN:
            evidence.append("the caller's line before it has words of the callee")
        return Link(call.parent, probability, tuple(evidence))


def caller_lines(trail: Trail, decoded: Decoded) -> list[int | None]:
    """Return for each invocation the kind of its caller's latest line before it, None if there is none. Linear."""
    latest: dict[int | None, int] = {}
    found: list[int | None] = []
    for kind, number in zip(trail.kinds, decoded.invocation, strict=True):
        if number == len(found):
            found.append(latest.get(decoded.calls[number].parent))
        latest[number] = kind
    return found


NAMED_MIN = 1.5
