"""What is learned of systems that log and do not trace."""

from __future__ import annotations

import random

import msgspec
import pytest
from tests.unit.path.learned.systems import CHAIN_EDGES, HUB_ALL, HUB_EDGES, chain, edges, hub, play, read

from clew_collector.event import Event
from clew_query.path.learned import edges_of, learn
from clew_query.path.learned.saved import encode_model

MS = 1_000_000


def test_a_chain_is_read_as_one():
    transactions = chain(20)
    path = read(learn(transactions), transactions[7])
    assert edges(path) == CHAIN_EDGES
    assert all(call.probability > 0.9 for call in path.calls)


def test_a_hub_that_is_silent_between_its_calls_is_found():
    transactions = hub(60)
    assert edges(read(learn(transactions), transactions[0])) == HUB_EDGES


def test_a_transaction_that_was_not_learned_from_is_read_as_well():
    assert edges(read(learn(hub(60)), play(HUB_ALL, 999))) == HUB_EDGES


def test_a_queue_is_told_from_a_call():
    """The consumer works at any time after it was sent for: while other calls are made, or when all has ended."""
    rng = random.Random(4)
    transactions = []
    for n in range(200):
        work = [("mailer", "mail for {n} taken"), ("mailer", "mail {n} sent")]
        rest = [
            ("shop", "order {n} placed"), ("shop", "mail is queued"), ("stock", "stock asked"), ("stock", "stock told"),
            ("shop", "stock is there"), ("bank", "payment asked"), ("bank", "payment made"), ("shop", "order {n} done"),
        ]  # fmt: skip
        at = rng.randrange(2, len(rest) + 1)  # after it was sent for
        for text in work:
            rest.insert(at, text)
            at = rng.randrange(at + 1, len(rest) + 1)
        transactions.append(play(rest, n))
    model = learn(transactions)
    assert {(edge.callee, edge.asynchronous) for edge in edges_of(model) if edge.caller == "shop"} == {
        ("bank", False),
        ("stock", False),
        ("mailer", True),
    }
    right = [edges(read(model, events)) for events in transactions]
    wanted = [("shop", "bank"), ("shop", "mailer"), ("shop", "stock"), (None, "shop")]
    assert sum(found == wanted for found in right) >= 0.95 * len(right)


def test_the_order_of_arrival_does_not_matter():
    transactions = hub(30)
    shuffled = [events[::-1] for events in transactions]
    random.Random(1).shuffle(shuffled)
    one, other = learn(transactions), learn(shuffled)
    one.learned_s = other.learned_s = 0.0
    assert encode_model(one) == encode_model(other)


def test_good_clocks_are_left_alone():
    model = learn(chain(40))
    assert model.clocks() == {}


@pytest.mark.parametrize("skew_ms", [40, -700, 5_000])
def test_an_injected_offset_is_found_within_its_uncertainty(skew_ms):
    rng = random.Random(skew_ms)
    transactions = []
    for n in range(60):
        events = play(CHAIN_SCRIPT, n, gap_ms=rng.uniform(1.0, 3.0))
        transactions.append([skewed(event, skew_ms) if event.service == "orders" else event for event in events])
    model = learn(transactions)
    offsets = {host: prior.offset for host, prior in model.clocks().items()}
    difference = offsets.get("host-of-orders", 0) - offsets.get("host-of-web", 0)
    uncertainty = max(prior.uncertainty for prior in model.clocks().values())
    assert abs(difference - skew_ms * MS) <= max(uncertainty, 6 * MS)
    assert edges(read(model, transactions[3])) == CHAIN_EDGES


def test_what_agents_measured_is_taken_where_it_does():
    transactions = [
        [skewed(event, 300) if event.service == "orders" else event for event in events] for events in chain(40)
    ]
    known = {"host-of-orders": 300.0 * MS, "host-of-web": 0.0, "host-of-books": 0.0}
    model = learn(transactions, known_offsets=known)
    assert edges(read(model, transactions[3])) == CHAIN_EDGES


def test_learning_again_from_the_model_before_keeps_what_was_known():
    first = learn(hub(60))
    again = learn(hub(12), previous=first)
    assert edges(read(again, play(HUB_ALL, 999))) == HUB_EDGES
    assert again.transactions == 12


def test_nothing_to_learn_from_is_a_model_that_knows_nothing():
    model = learn([])
    assert model.transactions == 0
    assert edges_of(model) == []


def skewed(event, skew_ms):
    return msgspec.structs.replace(event, timestamp=event.time + round(skew_ms * MS))


CHAIN_SCRIPT = [
    ("web", "GET order {n}"),
    ("orders", "loading order {n}"),
    ("books", "looking up the book"),
    ("books", "found the book"),
    ("orders", "order {n} is complete"),
    ("web", "answered 200"),
]


def answered_at_once(n: int) -> list[Event]:
    """`jobs` answers `reports` at once, works on while `web` goes on or has ended, and then calls `reports` back."""
    rng = random.Random(n)
    work = [
        ("jobs", "working on it"), ("disk", "write asked"), ("disk", "written"), ("jobs", "work done"),
        ("reports", "callback for {n}"), ("reports", "callback handled"),
    ]  # fmt: skip
    rest = [
        ("web", "GET report {n}"), ("reports", "report {n} asked"), ("jobs", "job taken"), ("reports", "job accepted"),
        ("web", "report is on its way"), ("users", "user asked"), ("users", "user told"), ("web", "user is known"),
        ("bank", "payment asked"), ("bank", "payment made"), ("web", "answered 202"),
    ]  # fmt: skip
    if rng.random() < 0.5:
        del rest[5:8]
    at = rng.randrange(5, len(rest) + 1)
    return play([*rest[:at], *work, *rest[at:]], n)


def test_what_was_answered_goes_on_beside_its_caller_and_calls_it_back():
    """What goes on is the invocation it was, not another one that somebody called."""
    transactions = [answered_at_once(n) for n in range(300)]
    model = learn(transactions[:200])
    read_right = 0
    for events in transactions[200:]:
        wanted = [("jobs", "disk"), ("jobs", "reports"), ("reports", "jobs"), ("web", "bank"), ("web", "reports")]
        if any(event.service == "users" for event in events):
            wanted.append(("web", "users"))
        read_right += edges(read(model, events)) == [*sorted(wanted), (None, "web")]
    assert read_right >= 95
