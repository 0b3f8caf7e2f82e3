"""The real logs: every line an event, its time and severity where it has one."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.unit.normalise.lines import chunk_of, ns

from clew_collector.event import Event
from clew_collector.normalise import Normaliser

pytestmark = pytest.mark.data


def lines_of(path: Path) -> list[bytes]:
    lines = path.read_bytes().split(b"\n")
    return [line.removesuffix(b"\r") for line in (lines if lines[-1] else lines[:-1])]


def check_words(events: list[Event], expected: str) -> None:
    """The severity is the word that a pattern of the format's own finds."""
    for event in events:
        match = re.search(expected.encode(), event.original)
        assert event.severity_text.encode() == (match[1] if match else b"")


class Sample(NamedTuple):
    first: str
    words: str
    """A pattern whose first group is the severity word, where a line has one."""
    logger: str
    """A logger that some line names; empty where the format has none."""


LOGHUB = {
    "Apache": Sample("2005-12-04 04:47:44", r"^\[[^\]]+\] \[(\w+)\]", ""),
    "HDFS": Sample("2008-11-09 20:36:15", r"^\d+ \d+ \d+ (\w+) ", "dfs.DataNode$PacketResponder"),
    "Hadoop": Sample("2015-10-18 18:01:47.978", r"^\S+ \S+ (\w+) ", "org.apache.hadoop.mapreduce.v2.app.MRAppMaster"),
    "Linux": Sample("2005-06-14 15:16:01", r"^\w+ +\d+ [\d:]+ \S+ \S+: (error|warning|notice|info|alert): ", "ftpd"),
    "OpenSSH": Sample("2004-12-10 06:55:46", r"^\w+ +\d+ [\d:]+ \S+ sshd\[\d+\]: (error|fatal): ", "sshd"),
    "Spark": Sample("2017-06-09 20:10:40", r"^\S+ \S+ (\w+) ", "executor.CoarseGrainedExecutorBackend"),
    "Windows": Sample("2016-09-28 04:30:30", r"^\S+ \S+, (\w+) ", "CBS"),
    "Zookeeper": Sample("2015-07-29 17:41:44.747", r"^\S+ \S+ - (\w+) ", "FastLeaderElection"),
}


@pytest.mark.parametrize(("system", "sample"), LOGHUB.items(), ids=LOGHUB.keys())
def test_loghub(system: str, sample: Sample, loghub: Path, normaliser: Normaliser) -> None:
    lines = lines_of(loghub / f"{system}_2k.log")
    events = normaliser.events(chunk_of(lines, written=datetime(2005, 11, 15, tzinfo=UTC)))
    assert len(events) == len(lines) == 2_000
    assert [event.original for event in events] == lines
    assert all(event.timestamp is not None for event in events)
    assert events[0].timestamp == ns(sample.first)
    check_words(events, sample.words)
    assert all(event.severity_number for event in events if event.severity_text)
    assert not sample.logger or sample.logger in {event.attributes.get("logger") for event in events}
    # What a body is made of stands in its line, at the end.
    assert all(event.original.endswith(event.body.encode()) for event in events)
    assert all(len(event.body) < len(event.original) for event in events)


def pods(folder: Path) -> list[Path]:
    return sorted((folder / "hosts").glob("*/*_server.log"))


def test_trainticket(trainticket: Path, normaliser: Normaliser) -> None:
    words: Counter[str] = Counter()
    total = torn = 0
    for path in pods(trainticket):
        lines = lines_of(path)
        events = normaliser.events(chunk_of(lines))
        total += len(events)
        assert [event.original for event in events] == lines
        assert all(event.timestamp for event in events)
        assert all("code.line.number" in event.attributes for event in events)
        words.update(event.severity_text for event in events)
        torn += sum("clew.torn_bytes" in event.attributes for event in events)
        for event in events[::16]:
            outer = re.search(rb'"time":"([\d-]+)T([\d:.]+)Z"\}', event.original)
            span = re.search(rb"SpanID: ([0-9a-f]{16})", event.original)
            assert outer
            assert span
            assert event.timestamp == ns(f"{outer[1].decode()} {outer[2].decode()}")
            assert event.span_id == span[1].decode()
            assert event.attributes["log.iostream"] == "stdout"
    assert total == 168_642
    assert torn == 2
    assert set(words) == {"INFO", "WARN", "ERROR"}


def test_onlineboutique(onlineboutique: Path, normaliser: Normaliser) -> None:
    events = [event for path in pods(onlineboutique) for event in normaliser.events(chunk_of(lines_of(path)))]
    assert len(events) == 12_058
    assert all(event.timestamp and event.span_id for event in events)
    silent = {event.severity_number for event in events if event.body.startswith(("AddItemAsync", "GetCartAsync"))}
    assert silent <= {0}
    assert all(not event.body.startswith("{") for event in events)
