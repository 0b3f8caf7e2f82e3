"""What becomes of an alert, given a measurement: a pure function.

    inactive ──above threshold──> pending ──above for `for`──> firing ──at or below recovery──> inactive
        ^─────at or below threshold──┘

All times are ns UTC of the events (the watermark), not of the clock, so past data gives the same decisions. Between
recovery and threshold a firing alert keeps firing and an inactive one stays inactive. Too few events, or a query that
fails, keep the last state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from .rule import Rule

__all__ = ["AlertState", "Failure", "Measurement", "Phase", "Status", "Transition", "decide", "retire"]


class Phase(StrEnum):
    """Where an alert stands."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class Status(StrEnum):
    """What a notification tells."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Measurement:
    """Counts of one group in the window `start` <= time < `end`, ns UTC."""

    events: int
    errors: int
    start: int
    end: int

    @property
    def share(self) -> float:
        """Errors per event, 0 where there is none."""
        return self.errors / self.events if self.events else 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """The measurement could not be taken, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class AlertState:
    """An alert's state. Times are ns UTC."""

    phase: Phase = Phase.INACTIVE
    since: int = 0
    """When this phase began; 0 for an alert that was never anything else."""
    notify: tuple[str, ...] = ()
    """The webhooks that were told of the fire, and will be told of the resolve; empty unless firing."""
    last: Measurement | None = None
    """The last measurement with enough events."""
    note: str = ""
    """Why the last evaluation decided nothing, in words; empty when it did."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change that somebody is told of."""

    status: Status
    starts_at: int
    ends_at: int | None
    measurement: Measurement | None
    notify: tuple[str, ...]
    reason: str = ""
    """Why it ended, where it was not by recovery."""


def decide(
    state: AlertState, measurement: Measurement | Failure, rule: Rule, now: int
) -> tuple[AlertState, tuple[Transition, ...]]:
    """Return the next state and what to tell. `now` is the end of the measured window, ns UTC.

    No two phases of an alert begin at the same time: `now` counts as later than the last change, even if it is not.
    """
    now = max(now, state.since + 1)
    if isinstance(measurement, Failure):
        return replace(state, note=f"The measurement failed: {measurement.reason}"), ()
    if measurement.events < rule.min_events:
        note = f"{measurement.events} events in the window, {rule.min_events} are needed."
        if rule.no_data == "keep" or state.phase is Phase.INACTIVE:
            return replace(state, note=note), ()
        return _end(replace(state, note=note), now, reason=note)
    state = replace(state, last=measurement, note="")
    match state.phase:
        case Phase.FIRING if measurement.share <= rule.recovery_share:
            return _end(state, now)
        case Phase.PENDING if measurement.share <= rule.threshold:
            return _end(state, now)
        case Phase.INACTIVE if measurement.share > rule.threshold:
            return _breach(replace(state, phase=Phase.PENDING, since=now), measurement, rule, now)
        case Phase.PENDING:
            return _breach(state, measurement, rule, now)
        case _:
            return state, ()


def retire(state: AlertState, now: int, *, reason: str) -> tuple[AlertState, tuple[Transition, ...]]:
    """End an alert from outside, for instance because its rule is gone; a firing one tells so."""
    return _end(state, max(now, state.since + 1), reason=reason)


def _breach(
    state: AlertState, measurement: Measurement, rule: Rule, now: int
) -> tuple[AlertState, tuple[Transition, ...]]:
    if now - state.since < rule.hold * 1e9:
        return state, ()
    fired = Transition(Status.FIRING, starts_at=now, ends_at=None, measurement=measurement, notify=rule.notify)
    return replace(state, phase=Phase.FIRING, since=now, notify=rule.notify), (fired,)


def _end(state: AlertState, now: int, *, reason: str = "") -> tuple[AlertState, tuple[Transition, ...]]:
    ended = replace(state, phase=Phase.INACTIVE, since=now, notify=())
    if state.phase is not Phase.FIRING:
        return ended, ()
    return ended, (Transition(Status.RESOLVED, state.since, now, state.last, state.notify, reason),)
