"""What every alert book promises; the SQLite one also over a restart and on a file that is not its own."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clew_agent.errors import ClewError
from clew_collector.errors import DataDirectoryError
from clew_query.alerts.book import AlertBook, MemoryAlertBook, Outgoing
from clew_query.alerts.decide import AlertState, Measurement, Phase, Status, Transition
from clew_query.alerts.notification import AlertKey, Notification, notification_of
from clew_query.alerts.sqlite_book import SqliteAlertBook
from clew_query.errors import AlertBookError

PAYMENTS = AlertKey("errors", "service", "payments")
ORDERS = AlertKey("errors", "service", "orders")
FIRING = AlertState(Phase.FIRING, since=7, notify=("pager",), last=Measurement(100, 20, 1, 7))
PENDING = AlertState(Phase.PENDING, since=9)
SETTLED_MAX = 3


def notification(starts_at: int, key: AlertKey = PAYMENTS) -> Notification:
    return notification_of(Transition(Status.FIRING, starts_at, None, None, ()), key, None)


@pytest.fixture(params=["memory", "sqlite"])
async def book(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AlertBook]:
    opened: AlertBook = (
        MemoryAlertBook(settled_max=SETTLED_MAX)
        if request.param == "memory"
        else SqliteAlertBook.open(tmp_path / "alerts.sqlite", settled_max=SETTLED_MAX)
    )
    yield opened
    await opened.close()


class TestStates:
    async def test_a_new_book_is_empty(self, book: AlertBook) -> None:
        assert (await book.states(), await book.heads(), await book.notifications()) == ({}, {}, [])

    async def test_what_was_recorded_is_there(self, book: AlertBook) -> None:
        await book.record({PAYMENTS: FIRING, ORDERS: PENDING}, [], now_ns=1)

        assert await book.states() == {PAYMENTS: FIRING, ORDERS: PENDING}

    async def test_an_inactive_alert_is_forgotten(self, book: AlertBook) -> None:
        await book.record({PAYMENTS: FIRING, ORDERS: PENDING}, [], now_ns=1)
        await book.record({PAYMENTS: AlertState(since=8)}, [], now_ns=2)

        assert await book.states() == {ORDERS: PENDING}


class TestOutbox:
    async def test_each_webhook_has_its_own_order(self, book: AlertBook) -> None:
        queued = [
            Outgoing("pager", notification(1)),
            Outgoing("chat", notification(2)),
            Outgoing("pager", notification(3)),
        ]
        await book.record({}, queued, now_ns=5)

        heads = await book.heads()
        assert {name: head.notification for name, head in heads.items()} == {
            "pager": notification(1),
            "chat": notification(2),
        }

        await book.settle(heads["pager"].sequence, now_ns=6)
        assert (await book.heads())["pager"].notification == notification(3)

    async def test_the_same_notification_is_queued_once_for_a_webhook(self, book: AlertBook) -> None:
        await book.record({}, [Outgoing("pager", notification(1))], now_ns=5)
        await book.settle((await book.heads())["pager"].sequence, now_ns=6)
        await book.record({}, [Outgoing("pager", notification(1)), Outgoing("chat", notification(1))], now_ns=7)

        assert list(await book.heads()) == ["chat"]

    async def test_what_was_given_up_is_kept_with_its_reason(self, book: AlertBook) -> None:
        await book.record({}, [Outgoing("pager", notification(1))], now_ns=5)
        await book.settle((await book.heads())["pager"].sequence, now_ns=6, given_up="answered 400")

        [queued] = await book.notifications()
        assert (queued.created_ns, queued.settled_ns, queued.given_up) == (5, 6, "answered 400")

    async def test_only_so_many_settled_ones_are_kept_and_no_unsettled_one_is_lost(self, book: AlertBook) -> None:
        await book.record({}, [Outgoing("pager", notification(i)) for i in range(1, 8)], now_ns=5)
        for _ in range(5):
            await book.settle((await book.heads())["pager"].sequence, now_ns=6)

        kept = [queued.notification for queued in await book.notifications()]
        assert kept == [notification(i) for i in (7, 6, 5, 4, 3)]
        assert len(await book.notifications(limit=2)) == 2


class TestSqliteFile:
    async def test_a_restart_finds_states_and_notifications(self, tmp_path: Path) -> None:
        first = SqliteAlertBook.open(tmp_path / "alerts.sqlite")
        await first.record({PAYMENTS: FIRING}, [Outgoing("pager", notification(1))], now_ns=5)
        await first.close()

        second = SqliteAlertBook.open(tmp_path / "alerts.sqlite")
        assert await second.states() == {PAYMENTS: FIRING}
        assert (await second.heads())["pager"].notification == notification(1)
        await second.close()

    async def test_state_and_notification_are_kept_together_or_not_at_all(self, tmp_path: Path) -> None:
        path = tmp_path / "alerts.sqlite"
        book = SqliteAlertBook.open(path)
        with sqlite3.connect(path) as other:
            other.execute("CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        other.close()

        with pytest.raises(AlertBookError, match="disk full"):
            await book.record({PAYMENTS: FIRING}, [Outgoing("pager", notification(1))], now_ns=5)

        assert (await book.states(), await book.heads()) == ({}, {})
        await book.close()

    @pytest.mark.parametrize("content", [b"this is no database, only text" * 100, b"SQLite format 3\0" + bytes(5000)])
    def test_a_damaged_file_is_refused_and_left_alone(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "alerts.sqlite"
        path.write_bytes(content)

        with pytest.raises(DataDirectoryError) as caught:
            SqliteAlertBook.open(path)

        assert caught.value.hint
        assert path.read_bytes() == content

    def test_a_newer_format_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "alerts.sqlite"
        with sqlite3.connect(path) as newer:
            newer.execute("PRAGMA user_version=2")
        newer.close()
        before = path.read_bytes()

        with pytest.raises(ClewError, match="format 2"):
            SqliteAlertBook.open(path)

        assert path.read_bytes() == before

    def test_a_folder_that_is_not_there_is_an_error_with_a_hint(self, tmp_path: Path) -> None:
        with pytest.raises(DataDirectoryError):
            SqliteAlertBook.open(tmp_path / "nowhere" / "alerts.sqlite")
