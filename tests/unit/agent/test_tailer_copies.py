"""Following contents into copies, holding what was deleted, and joining what a rotation cut."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
from tests.unit.agent.follower import Follow, Follower, append

from clew_agent.reason import Reason
from clew_agent.tail import (
    Lost,
)

CONTENT = "".join(f"line {i} of the content\n" for i in range(40))


class TestCopies:
    def test_a_copy_waits_and_then_has_what_was_unread(self, follow: Follow, log: Path) -> None:
        follower = follow(paths=[f"{log.parent}/*"])
        append(log, CONTENT)
        follower.go()
        append(log, "unread\n")
        (log.parent / "a.log.1").write_text(CONTENT + "unread\n")
        os.truncate(log, 0)
        assert follower.go() == ["a.log:unread"]
        append(log, "fresh\n")
        assert follower.go() == ["a.log:fresh"]
        assert follower.of(Lost) == []

    def test_a_copy_out_of_the_globs_too(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, CONTENT)
        follower.go()
        append(log, "unread\n")
        (log.parent / "a.log.1").write_text(CONTENT + "unread\n")
        os.truncate(log, 0)
        assert follower.go() == ["a.log:unread"]
        assert follower.of(Lost) == []

    def test_what_the_copy_lacks_is_counted(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, CONTENT)
        follower.go()
        append(log, "in the copy\nlate\n")
        assert follower.tailer
        follower.tailer.scan()
        (log.parent / "a.log.1").write_text(CONTENT + "in the copy\n")
        os.truncate(log, 0)
        assert follower.go() == ["a.log:in the copy"]
        end = len(CONTENT) + len("in the copy\n")
        assert [(lost.start, lost.end) for lost in follower.of(Lost)] == [(end, end + 5)]

    def test_a_copy_that_lags_behind_what_was_read_has_nothing_new(self, follow: Follow, log: Path) -> None:
        follower = follow(paths=[f"{log.parent}/*"])
        append(log, CONTENT)
        follower.go()
        append(log, "read at once\n")
        follower.go()
        (log.parent / "a.log.1").write_text(CONTENT)
        os.truncate(log, 0)
        assert follower.go() == []
        follower.restart()
        assert follower.go() == []

    def test_twins_are_read_once_they_have_not_changed_for_a_while(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, CONTENT)
        follower.go()
        (log.parent / "a-2.log").write_text(CONTENT)
        assert follower.go() == []
        follower.now_s += 1
        append(log.parent / "a-2.log", "more\n")
        assert len(follower.go()) == 41

    def test_a_twin_of_another_name_does_not_wait(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, CONTENT)
        follower.go()
        (log.parent / "b.log").write_text(CONTENT)
        assert len(follower.go()) == 40

    @pytest.mark.parametrize("running", [True, False])
    def test_a_content_replaced_by_its_continuation(self, follow: Follow, log: Path, running: bool) -> None:
        follower = follow()
        append(log, CONTENT)
        follower.go()
        if not running:
            follower.stop()
        new = log.with_suffix(".new")
        new.write_text(CONTENT + "more\n")
        new.replace(log)
        assert follower.go() == ["a.log:more"]

    def test_a_small_content_that_comes_again_is_another_one(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "started\n")
        follower.go()
        new = log.with_suffix(".new")
        new.write_text("started\n")
        new.replace(log)
        assert follower.go() == ["a.log:started"]

    @pytest.mark.parametrize("unread", ["", "unread\n"])
    def test_a_compressed_one_has_what_was_unread(self, follow: Follow, log: Path, unread: str) -> None:
        follower = follow(paths=[f"{log.parent}/*"], data=str(log.parent.parent))
        append(log, CONTENT)
        follower.go()
        follower.stop()
        append(log, unread)
        (log.parent / "a.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
        log.unlink()
        got = follower.go()
        follower.now_s += 5
        got += follower.go()
        assert got == [f"a.log:{line}" for line in unread.splitlines()]
        follower.restart()
        assert follower.go() == []

    def test_a_compressed_copy_found_and_not_read_is_read_by_the_next_agent(self, follow: Follow, log: Path) -> None:
        """The first one ended before anything was acknowledged, the second one before it read what it had found."""
        follower = follow(data=str(log.parent))
        append(log, "1\n2\n")
        follower.go(acknowledged=False)
        follower.stop()
        log.with_name("a.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
        os.truncate(log, 0)
        follower._take(follower.start().scan().events)
        follower.restart()
        assert follower.go() == ["a.log:1", "a.log:2"]

    def test_an_id_is_never_given_twice(self, follow: Follow, log: Path) -> None:
        follower = follow(paths=[f"{log.parent}/*"])
        append(log, "header\n" + CONTENT)
        follower.go()
        (log.parent / "a.log.1").write_text("header\n" + CONTENT)
        os.truncate(log, 0)
        follower.go()
        follower.restart()
        append(log, "header\n")
        assert follower.go() == ["a.log:header"]  # Opened checks the ids


class TestHolding:
    def deleted_unread(self, follow: Follow, log: Path, **settings: Any) -> Follower:
        follower = follow(**settings)
        append(log, "read\n")
        follower.go()
        append(log, "unread\n")
        assert follower.tailer
        follower._take(follower.tailer.scan().events)
        log.unlink()
        follower._take(follower.tailer.scan().events)
        return follower

    def test_a_deleted_file_is_kept_until_it_is_read(self, follow: Follow, log: Path) -> None:
        follower = self.deleted_unread(follow, log)
        follower.now_s += 3600
        assert follower.go() == ["a.log:unread"]

    def test_but_not_for_ever(self, follow: Follow, log: Path) -> None:
        follower = self.deleted_unread(follow, log, rotated_hold_s=60)
        follower.now_s += 61
        assert follower.go() == []
        assert [(lost.start, lost.end, lost.why) for lost in follower.of(Lost)] == [(5, 12, Reason.HELD)]
        assert follower.tailer
        assert follower.tailer.open_files == 0

    def test_and_not_beyond_its_share_of_the_disk(self, follow: Follow, log: Path) -> None:
        follower = self.deleted_unread(follow, log, rotated_hold_bytes_max=11)
        assert follower.go() == []
        assert [lost.why for lost in follower.of(Lost)] == [Reason.HELD]


class TestContainers:
    def test_a_line_cut_by_a_rotation_is_one(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "2026-11-24T10:00:00Z stdout F whole\n2026-11-24T10:00:00Z stdout P one \n")
        assert follower.go() == ["a.log:2026-11-24T10:00:00Z stdout F whole"]
        log.rename(log.parent / "a.log.1")
        append(log, "2026-11-24T10:00:01Z stdout F two\n2026-11-24T10:00:01Z stdout F next\n")
        got = sorted(follower.go() + follower.go(scan=False))
        assert got == ["a.log:2026-11-24T10:00:00Z stdout F one two", "a.log:2026-11-24T10:00:01Z stdout F next"]
        follower.restart()
        assert follower.go() == []

    def test_also_if_the_agent_ended_before_the_line_was_acknowledged(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "2026-11-24T10:00:00Z stdout F whole\n2026-11-24T10:00:00Z stdout P one \n")
        follower.go()
        accounts = dict(follower.accounts)
        log.rename(log.parent / "a.log.1")
        append(log, "2026-11-24T10:00:01Z stdout F two\n2026-11-24T10:00:01Z stdout F next\n")
        follower.go()
        follower.stop()
        follower.accounts |= accounts  # the old file's; the new one begins behind the part
        assert follower.go() + follower.go() == ["a.log:2026-11-24T10:00:00Z stdout F one two"]

    def test_a_part_whose_end_never_comes_is_sent_when_the_file_is_released(self, follow: Follow, log: Path) -> None:
        follower = follow(rotated_idle_s=5)
        append(log, "2026-11-24T10:00:00Z stdout P one \n")
        assert follower.go() == []
        log.unlink()
        assert follower.go() == []
        follower.now_s += 6
        assert follower.go() == ["a.log:2026-11-24T10:00:00Z stdout P one "]
