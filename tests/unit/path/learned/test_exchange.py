"""What calls say of the clocks of two hosts."""

from __future__ import annotations

from clew_query.path.learned.exchange import Exchanges, Moved, solve

MS = 1_000_000


def exchanges(*, sent_ms: float, returned_ms: float, ahead_ms: float, calls: int = 20) -> Exchanges:
    """Calls from host a to host b, whose clock is ahead: how long a request and its answer take."""
    found = Exchanges()
    for n in range(calls):
        at = 1000 * MS * n
        found.called("a", "b", at, at + round((sent_ms + ahead_ms) * MS))
        found.returned("a", "b", at + round((sent_ms + ahead_ms) * MS), at + round((sent_ms + returned_ms) * MS))
    return found


def test_an_offset_at_the_edge_of_what_calls_allow_goes_to_the_middle_if_nobody_measured_it():
    """Reading obeys the order it was given, so that a wrong offset need not violate anything."""
    calls = exchanges(sent_ms=3, returned_ms=3, ahead_ms=100)

    offsets, _, moved = solve(calls, {"a": 0.0, "b": 97.1 * MS}, None, centre=True)

    assert moved is Moved.CENTRED
    assert abs(offsets["b"] - offsets["a"] - 100 * MS) < 0.1 * MS


def test_an_offset_that_was_trusted_stays_where_it_violates_nothing():
    calls = exchanges(sent_ms=3, returned_ms=3, ahead_ms=0)

    assert solve(calls, {"a": 0.0, "b": -2.0 * MS}, None)[0::2] == ({"a": 0.0, "b": -2.0 * MS}, Moved.NOT)


def test_an_offset_in_the_middle_has_not_moved():
    """Learning goes on until none moves."""
    calls = exchanges(sent_ms=3, returned_ms=3, ahead_ms=100)

    assert solve(calls, {"a": 0.0, "b": 100.0 * MS}, None, centre=True)[2] is Moved.NOT


def test_an_offset_that_calls_exclude_is_moved_whoever_measured_it():
    calls = exchanges(sent_ms=1, returned_ms=1, ahead_ms=0)

    offsets, _, moved = solve(calls, {"a": 0.0, "b": 9.0 * MS}, {"a": 0.0, "b": 9.0 * MS})

    assert moved is Moved.FORCED
    assert offsets["b"] - offsets["a"] < 7 * MS
