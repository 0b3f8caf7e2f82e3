import asyncio

import pytest

from clew_query.alerts.book import MemoryAlertBook, Outgoing
from clew_query.alerts.decide import Status, Transition
from clew_query.alerts.notification import AlertKey, notification_of
from clew_query.alerts.notifier import Outcome, Result
from clew_query.alerts.rule import Webhook
from clew_query.alerts.sender import BACKOFF_MAX_S, Sender, backoff_s

KEY = AlertKey("errors", "service", "payments")
FIRE, RESOLVE = (
    notification_of(Transition(status, 7, 9 if status is Status.RESOLVED else None, None, ()), KEY, None)
    for status in (Status.FIRING, Status.RESOLVED)
)
BUSY = Outcome(Result.RETRY, "answered 503", retry_after_s=7)
HOOK = Webhook(name="pager", url="http://receiver/", give_up_after="60s")


class Clock:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


async def book_with_both() -> MemoryAlertBook:
    book = MemoryAlertBook()
    await book.record({}, [Outgoing("pager", FIRE), Outgoing("pager", RESOLVE)], now_ns=0)
    return book


@pytest.mark.parametrize(("attempts", "wait_s"), [(1, 1), (2, 2), (3, 4), (7, 60), (1000, 60)])
def test_waits_double_up_to_a_minute(attempts: int, wait_s: float) -> None:
    assert (backoff_s(attempts, 1.0), backoff_s(attempts, 0.0)) == (wait_s, wait_s / 2)


async def test_they_are_sent_in_order_and_then_nothing_is_left(receiver_of, metrics) -> None:
    receiver = receiver_of()
    sender = Sender(book := await book_with_both(), {"pager": (HOOK, receiver)}, metrics=metrics, clock=Clock())

    assert await sender.drain("pager") is None
    assert (receiver.received, await book.heads()) == ([FIRE, RESOLVE], {})
    assert metrics.counted == [("clew_alerts_notifications", "sent")] * 2


async def test_a_failure_holds_back_what_follows_and_waits_as_asked(receiver_of, metrics) -> None:
    receiver = receiver_of([BUSY])
    sender = Sender(book := await book_with_both(), {"pager": (HOOK, receiver)}, metrics=metrics, clock=Clock())

    assert await sender.drain("pager") == 7
    assert receiver.received == [FIRE]
    assert await sender.drain("pager", attempts=1) is None
    assert receiver.received == [FIRE, FIRE, RESOLVE]
    assert await book.heads() == {}


async def test_what_is_refused_is_given_up_and_counted_and_the_next_is_sent(receiver_of, metrics) -> None:
    receiver = receiver_of([Outcome(Result.REFUSED, "answered 400")])
    sender = Sender(book := await book_with_both(), {"pager": (HOOK, receiver)}, metrics=metrics, clock=Clock())

    await sender.drain("pager")

    assert [queued.given_up for queued in await book.notifications()] == ["", "answered 400"]
    assert metrics.counted == [("clew_alerts_notifications", r) for r in ("given_up", "sent")]


async def test_what_is_too_old_is_given_up(receiver_of, metrics) -> None:
    clock = Clock()
    sender = Sender(
        book := await book_with_both(), {"pager": (HOOK, receiver_of([BUSY] * 3))}, metrics=metrics, clock=clock
    )
    assert await sender.drain("pager") == 7

    clock.now_ns = 61 * 10**9
    await sender.drain("pager", attempts=1)

    assert all("not delivered in 61 s" in queued.given_up for queued in await book.notifications())


async def test_what_nobody_receives_any_more_is_given_up(metrics) -> None:
    sender = Sender(book := await book_with_both(), {}, metrics=metrics, clock=Clock())

    await sender.discard_unknown()

    assert {queued.given_up for queued in await book.notifications()} == {"the webhook is no longer configured"}


async def test_a_webhook_that_is_down_does_not_hold_up_another(receiver_of, metrics) -> None:
    book = await book_with_both()
    await book.record({}, [Outgoing("chat", FIRE)], now_ns=0)
    waits: asyncio.Queue[float] = asyncio.Queue()
    stopped = asyncio.Event()

    async def sleep(wait_s: float) -> None:
        await waits.put(wait_s)
        await stopped.wait()

    chat = receiver_of()
    webhooks = {"pager": (HOOK, receiver_of([BUSY] * 9)), "chat": (Webhook(name="chat", url="http://chat/"), chat)}
    sender = Sender(book, webhooks, metrics=metrics, clock=Clock(), sleep=sleep)
    running = asyncio.create_task(sender.run())
    wait_s = await waits.get()
    await chat.receive()
    await book.record({}, [Outgoing("chat", RESOLVE)], now_ns=0)
    sender.wake()
    await chat.receive()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert chat.received == [FIRE, RESOLVE]
    assert wait_s <= BACKOFF_MAX_S
    assert list(await book.heads()) == ["pager"]
