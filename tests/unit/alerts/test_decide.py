"""The state machine: a table of single steps, and a model that random measurements must not break."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew_query.alerts.decide import AlertState, Failure, Measurement, Phase, Status, Transition, decide, retire
from clew_query.alerts.rule import Rule

SECOND = 1_000_000_000
RULE = Rule(name="r", threshold=0.10, recovery=0.05, min_events=20, hold="60s", notify=("pager",))
NOW = 1000 * SECOND
HEALTHY, BETWEEN, BREACH = 2, 7, 15  # errors among 100 events


def measured(errors: int, events: int = 100, now: int = NOW) -> Measurement:
    return Measurement(events, errors, now - 300 * SECOND, now)


def state(phase: Phase, ago_s: int = 0) -> AlertState:
    notify = ("pager",) if phase is Phase.FIRING else ()
    return AlertState(phase, since=NOW - ago_s * SECOND, notify=notify)


STEPS = [
    # what the alert is, for how long (s), errors of 100 -> what it becomes, what is told
    (Phase.INACTIVE, 500, HEALTHY, Phase.INACTIVE, []),
    (Phase.INACTIVE, 500, BETWEEN, Phase.INACTIVE, []),
    (Phase.INACTIVE, 500, 10, Phase.INACTIVE, []),  # at the threshold is not above it
    (Phase.INACTIVE, 500, BREACH, Phase.PENDING, []),
    (Phase.PENDING, 59, BREACH, Phase.PENDING, []),
    (Phase.PENDING, 60, BREACH, Phase.FIRING, [Status.FIRING]),
    (Phase.PENDING, 60, 10, Phase.INACTIVE, []),
    (Phase.PENDING, 600, HEALTHY, Phase.INACTIVE, []),
    (Phase.FIRING, 500, BREACH, Phase.FIRING, []),
    (Phase.FIRING, 500, BETWEEN, Phase.FIRING, []),
    (Phase.FIRING, 500, 5, Phase.INACTIVE, [Status.RESOLVED]),  # at the recovery is recovered
    (Phase.FIRING, 500, HEALTHY, Phase.INACTIVE, [Status.RESOLVED]),
]


@pytest.mark.parametrize(("phase", "ago_s", "errors", "then", "told"), STEPS)
def test_one_step(phase: Phase, ago_s: int, errors: int, then: Phase, told: list[Status]) -> None:
    after, transitions = decide(state(phase, ago_s), measured(errors), RULE, NOW)

    assert (after.phase, [transition.status for transition in transitions]) == (then, told)


@pytest.mark.parametrize("phase", list(Phase))
class TestWithoutAnAnswer:
    def test_too_few_events_keep_the_state(self, phase: Phase) -> None:
        before = state(phase, 500)

        after, told = decide(before, measured(19, events=19), RULE, NOW)

        assert (after.phase, after.since, told) == (before.phase, before.since, ())
        assert "19 events" in after.note

    def test_a_failure_keeps_the_state_and_says_why(self, phase: Phase) -> None:
        before = state(phase, 500)

        after, told = decide(before, Failure("the store is away"), RULE, NOW)

        assert (after.phase, after.since, told) == (before.phase, before.since, ())
        assert "the store is away" in after.note

    def test_the_next_answer_clears_the_note(self, phase: Phase) -> None:
        failed, _ = decide(state(phase, 500), Failure("x"), RULE, NOW)

        assert decide(failed, measured(BETWEEN), RULE, NOW + SECOND)[0].note == ""


def test_no_hold_fires_at_once() -> None:
    rule = RULE.model_copy(update={"hold": 0.0})

    after, told = decide(AlertState(), measured(BREACH), rule, NOW)

    assert after.phase is Phase.FIRING
    assert told == (Transition(Status.FIRING, NOW, None, measured(BREACH), ("pager",)),)


def test_no_data_may_resolve() -> None:
    rule = RULE.model_copy(update={"no_data": "resolve"})

    after, told = decide(state(Phase.FIRING, 500), measured(0, events=0), rule, NOW)

    assert after.phase is Phase.INACTIVE
    assert [(t.status, t.starts_at, t.ends_at) for t in told] == [(Status.RESOLVED, NOW - 500 * SECOND, NOW)]
    assert "0 events" in told[0].reason


def test_a_resolve_goes_to_those_who_were_told_of_the_fire() -> None:
    renamed = RULE.model_copy(update={"notify": ("other",)})

    _, [resolved] = decide(state(Phase.FIRING, 500), measured(HEALTHY), renamed, NOW)

    assert resolved.notify == ("pager",)


def test_retiring_a_firing_alert_resolves_it_and_a_pending_one_is_silent() -> None:
    _, told = retire(state(Phase.FIRING, 5), NOW, reason="gone")
    _, silent = retire(state(Phase.PENDING, 5), NOW, reason="gone")

    assert ([t.reason for t in told], silent) == (["gone"], ())


counts = st.integers(0, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
# A watermark may stand still (late data is measured again) and may fall back when a clock is set.
steps = st.lists(st.tuples(st.one_of(counts, st.none()), st.integers(-30, 120)), max_size=60)


@given(steps, st.sampled_from(["keep", "resolve"]), st.sampled_from([0.0, 60.0]))
def test_fires_and_resolves_alternate_and_the_band_between_changes_nothing(
    steps: list[tuple[tuple[int, int] | None, int]], no_data: str, hold: float
) -> None:
    rule = RULE.model_copy(update={"no_data": no_data, "hold": hold})
    current, now, told = AlertState(), NOW, []
    for answer, elapsed_s in steps:
        now += elapsed_s * SECOND
        measurement = Failure("x") if answer is None else measured(answer[1], answer[0], now)
        after, transitions = decide(current, measurement, rule, now)
        told += transitions
        enough = isinstance(measurement, Measurement) and measurement.events >= rule.min_events
        if enough and rule.recovery_share < measurement.share <= rule.threshold and current.phase is not Phase.PENDING:
            assert after.phase is current.phase
        if isinstance(measurement, Failure):
            assert after.phase is current.phase
        if any(t.status is Status.FIRING for t in transitions):
            assert enough
            assert measurement.share > rule.threshold
        assert (after.phase is current.phase) == (after.since == current.since) or after.phase is Phase.FIRING
        current = after

    assert [t.status for t in told] == [Status.FIRING if i % 2 == 0 else Status.RESOLVED for i in range(len(told))]
    assert (current.phase is Phase.FIRING) == (len(told) % 2 == 1)
    for fired, resolved in zip(told[::2], told[1::2], strict=False):
        assert resolved.starts_at == fired.starts_at < resolved.ends_at
    assert all(a.starts_at < b.starts_at for a, b in pairwise(told[::2]))
