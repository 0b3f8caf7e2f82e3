from __future__ import annotations

import pytest
from msgspec.structs import replace

from clew_agent.ledger import Ledger
from clew_agent.reason import Reason
from clew_agent.tail import FileAccount, FileIdentity
from clew_agent.wire import GivenUp

ID = b"0123456789"


def account(file_id: bytes = ID, *, offset: int = 0, gone_ns: int = 0) -> FileAccount:
    identity = FileIdentity(
        device=1, inode=1, generation=0, fingerprint=b"", fingerprint_bytes=0, offset=offset, tail=b""
    )
    return FileAccount(
        file_id=file_id, path="/a", service="s", instance="i", host="h", identity=identity, gone_ns=gone_ns
    )


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.open(account())
    return ledger


def test_bytes_are_seen_then_shipped_then_acknowledged(ledger: Ledger) -> None:
    ledger.see(ID, 100)
    ledger.ship(ID, 60)
    ledger.acknowledge(ID, start=0, end=40, tail=b"t", lines=4)
    (file,) = ledger.files()
    assert (file.file_id, file.seen, file.shipped, file.acknowledged, file.lines) == (ID.hex(), 100, 60, 40, 4)
    assert (file.path, file.service, file.instance, file.host, file.gone) == ("/a", "s", "i", "h", False)


def test_what_was_shipped_was_seen(ledger: Ledger) -> None:
    ledger.see(ID, 10)
    ledger.ship(ID, 60)
    assert ledger[ID].seen == 60


def test_an_acknowledgement_out_of_order_is_a_defect(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="0 is next"):
        ledger.acknowledge(ID, start=40, end=60, tail=b"", lines=1)


def test_neighbouring_ranges_given_up_for_one_reason_are_one(ledger: Ledger) -> None:
    ledger.give_up(ID, start=0, end=10, reason=Reason.REFUSED)
    ledger.give_up(ID, start=10, end=30, reason=Reason.REFUSED)
    ledger.give_up(ID, start=30, end=40, reason=Reason.TRUNCATED)
    ledger.give_up(ID, start=50, end=60, reason=Reason.TRUNCATED)
    assert ledger[ID].given_up == (
        GivenUp(0, 30, "refused"),
        GivenUp(30, 40, "truncated"),
        GivenUp(50, 60, "truncated"),
    )


def test_after_a_restart_only_what_was_acknowledged_counts_as_shipped() -> None:
    ledger = Ledger([replace(account(offset=40), shipped=90, seen=100)])
    assert (ledger[ID].shipped, ledger[ID].acknowledged) == (40, 40)


def test_a_file_that_came_back_is_no_longer_gone(ledger: Ledger) -> None:
    ledger.end(ID, 5)
    assert ledger.files()[0].gone
    moved = replace(account(), identity=replace(account().identity, device=9))
    ledger.resume(moved)
    assert not ledger.files()[0].gone
    assert ledger[ID].identity.device == 9


def test_every_change_that_must_be_durable_is_a_new_version(ledger: Ledger) -> None:
    versions = [ledger.version]
    ledger.acknowledge(ID, start=0, end=5, tail=b"", lines=1)
    versions.append(ledger.version)
    ledger.give_up(ID, start=5, end=6, reason=Reason.DELETED)
    versions.append(ledger.version)
    ledger.end(ID, 1)
    versions.append(ledger.version)
    ledger.see(ID, 100)
    assert versions == sorted(set(versions))
    assert ledger.version == versions[-1]


def test_only_files_that_are_gone_are_forgotten_the_oldest_first() -> None:
    ids = [b"%010d" % i for i in range(5)]
    ledger = Ledger(account(file_id, gone_ns=gone) for file_id, gone in zip(ids, [0, 10, 20, 30, 0], strict=True))
    assert [a.file_id for a in ledger.forget(before_ns=15, gone_max=100)] == [ids[1]]
    assert [a.file_id for a in ledger.forget(before_ns=15, gone_max=1)] == [ids[2]]
    assert [a.file_id for a in ledger.forget(before_ns=15, gone_max=0)] == [ids[3]]
    assert [a.file_id for a in ledger.accounts()] == [ids[0], ids[4]]


def test_what_is_on_its_way_keeps_its_account_until_it_is_answered_for() -> None:
    ids = [b"%010d" % i for i in range(3)]
    ledger = Ledger(account(file_id, gone_ns=1) for file_id in ids)
    ledger.ship(ids[0], 5)
    assert [a.file_id for a in ledger.forget(before_ns=0, gone_max=1)] == ids[1:]
    ledger.acknowledge(ids[0], start=0, end=5, tail=b"", lines=1)
    assert [a.file_id for a in ledger.forget(before_ns=0, gone_max=0)] == ids[:1]
