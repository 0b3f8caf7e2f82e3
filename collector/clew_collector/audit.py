"""The proof: per file, the bytes that agents had acknowledged against those in the log and those in the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from clew_agent.wire import FileLedger

from .log.coverage import Interval, merge, subtract, total
from .log.protocol import FileCoverage
from .store.protocol import StoredFile

__all__ = ["Audit", "AuditedFile", "audit", "audit_without_log"]


@dataclass(frozen=True, slots=True)
class AuditedFile:
    """One file's account, in bytes."""

    file_id: str
    path: str
    host: str
    service: str
    acknowledged: int
    """What agents were told is safe, without what they gave up and what they were told to skip."""
    logged: int
    stored: int
    missing: int
    """Acknowledged and not in the log, or in the log and not in the store."""
    doubled: int
    """In the store beyond what the log has."""
    given_up: int


@dataclass(frozen=True, slots=True)
class Audit:
    """The account of every file. Clean when nothing is missing and nothing there twice; what was given up is told."""

    files: tuple[AuditedFile, ...]

    @property
    def clean(self) -> bool:
        """Whether no byte is missing or doubled."""
        return not any(file.missing or file.doubled for file in self.files)


def audit(
    ledgers: Mapping[str, FileLedger],
    coverage: Sequence[FileCoverage],
    stored: Sequence[StoredFile],
    *,
    later: Sequence[FileCoverage] | None = None,
) -> Audit:
    """Compare, file by file (keys are file ids).

    While lines arrive, look in this order: ledgers, coverage, store, coverage again (`later`). What the store lacks of
    the first coverage is missing, what it has beyond the later one is doubled.
    """
    before, after = _by_file(coverage), _by_file(coverage if later is None else later)
    in_store = {file.file_id: file for file in stored}
    ids = sorted({*ledgers, *before, *after, *in_store})
    return Audit(
        tuple(_judge(i, ledgers.get(i), before.get(i, []), total(after.get(i, [])), in_store.get(i)) for i in ids)
    )


def audit_without_log(ledgers: Mapping[str, FileLedger], stored: Sequence[StoredFile]) -> Audit:
    """Compare, file by file, what agents had acknowledged with the store, where the log keeps no account of files.

    Look at the ledgers first. What is acknowledged stands for what the log has; lines of one file that the store has
    beyond the bytes between its first and last are doubled. Exact once a file is quiet: while lines arrive, as many
    bytes may be missing unnoticed as came since its agent last reported.
    """
    in_store = {file.file_id: file for file in stored}
    files = []
    for file_id in sorted({*ledgers, *in_store}):
        found = in_store.get(file_id)
        judged = _judge(file_id, ledgers.get(file_id), _said(ledgers.get(file_id)), 0, found)
        doubled = max(0, found.bytes - (found.end - found.start)) if found else 0
        files.append(replace(judged, doubled=doubled))
    return Audit(tuple(files))


def _said(ledger: FileLedger | None) -> list[Interval]:
    """Return what an agent was told is safe."""
    if ledger is None:
        return []
    return subtract(
        merge([(ledger.first, ledger.acknowledged)]), merge((lost.start, lost.end) for lost in ledger.given_up)
    )


def _judge(
    file_id: str, ledger: FileLedger | None, logged: Sequence[Interval], logged_later: int, stored: StoredFile | None
) -> AuditedFile:
    acknowledged: list[Interval] = []
    given_up: list[Interval] = []
    if ledger is not None:
        given_up = merge((lost.start, lost.end) for lost in ledger.given_up)
        acknowledged = subtract(merge([(ledger.first, ledger.acknowledged)]), given_up)
    bytes_stored = stored.bytes if stored else 0
    not_logged = total(subtract(acknowledged, logged))
    return AuditedFile(
        file_id=file_id,
        path=ledger.path if ledger else stored.source if stored else "",
        host=ledger.host if ledger else stored.host if stored else "",
        service=ledger.service if ledger else stored.service if stored else "",
        acknowledged=total(acknowledged),
        logged=total(logged),
        stored=bytes_stored,
        missing=not_logged + max(0, total(logged) - bytes_stored),
        doubled=max(0, bytes_stored - logged_later),
        given_up=total(given_up),
    )


def _by_file(coverage: Iterable[FileCoverage]) -> dict[str, list[Interval]]:
    files: defaultdict[str, list[Interval]] = defaultdict(list)
    for run in coverage:
        files[run.file_id].append((run.start, run.end))
    return dict(files)
