"""Made-up systems: the same for the same seed, doing what each feature says, with spans that are the truth."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import pytest
from bench.generated import EVERYTHING, NOTHING, Features, Played, draw, play
from bench.path_truth import truth_of
from msgspec.structs import replace

from clew_collector.event import Event
from clew_query.path import build_path

SIZES = [3, 12, 50, 300]


def made(services: int = 12, features: Features = EVERYTHING, *, seed: int = 1, transactions: int = 40) -> Played:
    return play(draw(services, features, seed=seed), transactions)


def spans_by_time(played: Played) -> list[dict[str, tuple[int, int]]]:
    """For each transaction, for each span the times of its first and its last line."""
    times: dict[str, dict[str, tuple[int, int]]] = {}
    for event, span in zip(played.events, played.span_ids, strict=True):
        own = times.setdefault(event.transaction_id, {})
        own[span] = own.get(span, (event.time, 0))[0], event.time
    return list(times.values())


def overlapping(played: Played) -> list[int]:
    """How many calls of one span were at work at once, at most, for each span that makes calls."""
    most = []
    for times, spans in zip(spans_by_time(played), played.spans.values(), strict=True):
        calls: dict[str, list[tuple[int, int]]] = {}
        for span, (parent, _) in spans.items():
            calls.setdefault(parent, []).append(times[span])
        most += [max(sum(start <= one[0] <= end for start, end in own) for one in own) for own in calls.values()]
    return most


@pytest.mark.parametrize("services", SIZES)
class TestEverySize:
    def test_the_same_seed_makes_the_same_lines(self, services: int) -> None:
        assert made(services).events == made(services).events
        assert made(services).events != made(services, seed=2).events

    def test_more_transactions_begin_with_the_same_ones(self, services: int) -> None:
        few = made(services, transactions=5)
        assert made(services, transactions=9).events[: len(few.events)] == few.events

    def test_each_operation_can_be_reached(self, services: int) -> None:
        system = draw(services, EVERYTHING, seed=1)
        reached, ahead = set(system.roots), list(system.roots)
        while ahead:
            for call in system.operations[ahead.pop()].calls:
                for callee in {call.operation, call.callback} - {None} - reached:
                    reached.add(callee)
                    ahead.append(callee)
        assert reached == set(range(len(system.operations)))
        assert {system.operations[n].service for n in reached} == set(range(services))

    def test_spans_on_the_lines_give_the_path_that_is_said_to_be_true(self, services: int) -> None:
        played = made(services, transactions=10)
        truth = truth_of(played.events, played.span_ids, played.spans)
        lines: dict[str, list[Event]] = {}
        for event, span in zip(played.events, played.span_ids, strict=True):
            parent, _ = played.spans[event.transaction_id][span]
            told = replace(event, span_id=span, parent_span_id=parent)
            lines.setdefault(event.transaction_id, []).append(told)
        for name, events in lines.items():
            found = Counter((call.from_service, call.to_service) for call in build_path(events).calls)
            assert found == Counter(truth[name])

    @pytest.mark.parametrize("name", Features.names())
    def test_without_a_feature_the_same_calls_are_drawn(self, services: int, name: str) -> None:
        whole, less = (draw(services, features, seed=1) for features in (EVERYTHING, EVERYTHING.without(name)))
        for one, other in zip(whole.operations, less.operations, strict=False):
            assert (one.name, [call.operation for call in one.calls]) == (
                other.name,
                [call.operation for call in other.calls],
            )


def test_lines_of_a_transaction_are_in_order_of_time_and_have_ids_of_their_own() -> None:
    events = made().events
    assert all(a.time <= b.time for a, b in pairwise(events) if a.transaction_id == b.transaction_id)
    assert len({event.event_id for event in events}) == len(events)


def test_with_no_feature_one_call_is_made_after_the_other_by_one_pod() -> None:
    played = made(features=NOTHING)
    assert set(overlapping(played)) == {1}
    assert {event.instance for event in played.events} == {f"{event.service}-0" for event in played.events}
    for times, spans in zip(spans_by_time(played), played.spans.values(), strict=True):
        assert all(times[parent][0] < times[span][0] for span, (parent, _) in spans.items() if parent), (
            "a call before its caller began"
        )


def test_parallel_calls_are_made_all_at_once() -> None:
    assert max(overlapping(made(features=Features(parallel=1)))) > 2


def test_a_pool_makes_two_calls_at_a_time_and_leaves_work_to_a_thread() -> None:
    played = made(features=Features(pool=1))
    assert 2 in overlapping(played)
    assert any("in the background" in event.body for event in played.events)


def test_fan_out_calls_for_each_of_several_things() -> None:
    one, many = made(features=NOTHING), made(features=Features(fan_out=0.4), transactions=10)
    assert max(_equal_calls(one)) < 4 < max(_equal_calls(many))


def test_a_retried_call_is_made_again_after_it_failed_or_while_nobody_waits_for_it() -> None:
    played = made(features=Features(retry=1))
    bodies = [event.body for event in played.events]
    assert any("failed: connection reset" in body for body in bodies)
    assert any("no answer in time" in body for body in bodies)
    assert max(overlapping(played)) == 2


def test_a_cache_leaves_calls_out() -> None:
    with_cache, without = made(features=Features(cache=1)), made(features=NOTHING)
    assert sum(map(len, with_cache.spans.values())) < 0.8 * sum(map(len, without.spans.values()))


def test_a_message_is_worked_on_while_its_sender_goes_on() -> None:
    played = made(features=Features(queue=1))
    late = 0
    for times, spans in zip(spans_by_time(played), played.spans.values(), strict=True):
        late += sum(times[span][0] > times[parent][1] for span, (parent, _) in spans.items() if parent)
    assert late > len(played.spans)


def test_a_callback_calls_the_service_that_asked() -> None:
    played = made(features=Features(callback=1))
    back = 0
    for spans in played.spans.values():
        for parent, service in spans.values():
            if parent and (asked := spans[parent][0]):
                back += spans[asked][1] == service
    assert back > len(played.spans)


def test_each_call_goes_to_any_pod() -> None:
    instances = {event.instance for event in made(features=Features(pods=3)).events if event.service == "gateway"}
    assert instances == {"gateway-0", "gateway-1", "gateway-2"}


def test_names_have_no_digits_and_are_different() -> None:
    names = draw(300, NOTHING, seed=1).services
    assert len(set(names)) == 300
    assert not any(character.isdigit() for name in names for character in name)


@pytest.mark.parametrize("services", [1, 301])
def test_a_system_that_is_too_small_or_too_large_is_refused(services: int) -> None:
    with pytest.raises(ValueError, match="2 to 300 services"):
        draw(services, NOTHING, seed=1)


def test_features_can_be_turned_off_and_taken_alone() -> None:
    for one, other in combinations(Features.names(), 2):
        assert getattr(EVERYTHING.without(one), one) == getattr(NOTHING, one)
        assert getattr(EVERYTHING.without(one), other) == getattr(EVERYTHING, other)
        assert getattr(EVERYTHING.only(one), other) == getattr(NOTHING, other)


def _equal_calls(played: Played) -> list[int]:
    """How often a span calls one service in a row that it calls most."""
    return [
        max(Counter((parent, service) for parent, service in spans.values() if parent).values())
        for spans in played.spans.values()
    ]
