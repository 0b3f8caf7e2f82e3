"""Following files through everything that happens to them, step by step, without a pipeline."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.unit.agent.follower import Follow, append

from clew_agent.reason import Reason
from clew_agent.tail import (
    Ended,
    Lost,
    Opened,
    Read,
    Resumed,
)


class TestGrowing:
    def test_new_lines_are_read_once(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "1\n")
        assert follower.go() == ["a.log:1"]
        assert follower.go() == []
        append(log, "2\n3\nhal")
        assert follower.go() == ["a.log:2", "a.log:3"]
        append(log, "f\n")
        assert follower.go() == ["a.log:half"]

    def test_a_file_that_comes_later_is_found(self, follow: Follow, log: Path) -> None:
        follower = follow()
        assert follower.go() == []
        append(log, "1\n")
        assert follower.go() == ["a.log:1"]

    def test_an_empty_file_is_nothing_until_it_is_something(self, follow: Follow, log: Path) -> None:
        follower = follow()
        log.touch()
        assert follower.go() == []
        assert not follower.events
        append(log, "1\n")
        assert follower.go() == ["a.log:1"]

    def test_a_reported_change_is_read_without_a_scan(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "1\n")
        follower.go()
        append(log, "2\n")
        assert follower.tailer
        assert follower.tailer.look_at([str(log)]).more
        assert follower.go(scan=False) == ["a.log:2"]

    def test_files_take_turns(self, follow: Follow, tmp_path: Path) -> None:
        follower = follow()
        for name in "abc":
            append(tmp_path / f"{name}.log", "x" * 999 + "\n" + ("y" * 999 + "\n") * 15)
        turns = [line[0] for line in follower.go()]
        assert Counter(turns[:12]) == {"a": 4, "b": 4, "c": 4}

    def test_files_with_the_same_first_lines_are_different_files(self, follow: Follow, tmp_path: Path) -> None:
        follower = follow()
        for i in range(50):
            append(tmp_path / f"{i}.log", "header\n" * 600)
        assert len(follower.go()) == 50 * 600
        assert len(follower.accounts) == 50


class TestStart:
    def test_at_the_end_skips_what_is_there_and_nothing_else(self, follow: Follow, log: Path, tmp_path: Path) -> None:
        append(log, "old\nolder\nhal")
        follower = follow()
        follower.start(skip_present=True)
        assert follower.go() == []
        append(log, "f\nnew\n")
        append(tmp_path / "b.log", "later\n")
        assert sorted(follower.go()) == ["a.log:half", "a.log:new", "b.log:later"]
        assert follower.of(Opened)[0].account.first == len("old\nolder\n")

    def test_from_where_the_account_says(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "1\n")
        follower.go()
        follower.stop()
        append(log, "2\n")
        assert follower.go() == ["a.log:2"]
        assert len(follower.accounts) == 1

    def test_a_device_that_got_another_number_is_the_same(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "1\n")
        follower.go()
        follower.stop()
        ((file_id, account),) = follower.accounts.items()
        follower.accounts[file_id] = replace(account, identity=replace(account.identity, device=99))
        append(log, "2\n")
        assert follower.go() == ["a.log:2"]
        assert follower.of(Resumed)[-1].account.identity.device == log.stat().st_dev


class TestRotation:
    def test_a_renamed_file_is_read_to_its_end_by_the_old_name(self, follow: Follow, log: Path, tmp_path: Path) -> None:
        follower = follow()
        append(log, "1\n")
        follower.go()
        writer = log.open("a")
        log.rename(tmp_path / "a.log.1")
        append(log, "new\n")
        assert follower.go() == ["a.log:new"]
        writer.write("late\n")
        writer.close()
        assert follower.go() == ["a.log:late"]
        assert len({event.source.file_id for event in follower.of(Read)}) == 2

    def test_it_is_released_when_idle_and_its_last_half_line_counts(
        self, follow: Follow, log: Path, tmp_path: Path
    ) -> None:
        follower = follow(rotated_idle_s=10)
        append(log, "1\nhalf")
        follower.go()
        log.rename(tmp_path / "a.log.1")
        assert follower.go() == []
        follower.now_s = 9.0
        assert follower.go() == []
        assert follower.tailer
        assert follower.tailer.open_files == 1
        follower.now_s = 10.0
        assert follower.go() == ["a.log:half"]
        assert follower.tailer.open_files == 0
        assert follower.of(Ended)
        assert not follower.of(Lost)

    def test_renamed_within_the_globs_it_stays_one_file(self, follow: Follow, log: Path, tmp_path: Path) -> None:
        follower = follow(paths=[f"{tmp_path}/a.log*"])
        append(log, "1\n")
        follower.go()
        for i in range(5):
            log.rename(tmp_path / f"a.log.{i}")
            append(tmp_path / f"a.log.{i}", f"late {i}\n")
            append(log, f"new {i}\n")
        known = ["a.log:late 0"]
        met_later = [line for i in range(1, 5) for line in (f"a.log.{i}:new {i - 1}", f"a.log.{i}:late {i}")]
        assert sorted(follower.go()) == sorted([*known, *met_later, "a.log:new 4"])

    def test_renamed_out_of_the_globs_while_no_agent_ran(self, follow: Follow, log: Path, tmp_path: Path) -> None:
        follower = follow()
        append(log, "1\n")
        follower.go()
        follower.stop()
        append(log, "unread\n")
        log.rename(tmp_path / "a.log.1")
        append(log, "new\n")
        assert sorted(follower.go()) == ["a.log:new", "a.log:unread"]
        assert not follower.of(Lost)

    def test_what_begins_anew_out_of_the_globs_is_let_go_whatever_happens_to_it_then(
        self, follow: Follow, log: Path, tmp_path: Path
    ) -> None:
        follower = follow()
        append(log, "1\n")
        follower.go()
        follower.stop()
        rotated = tmp_path / "a.log.1"
        log.rename(rotated)
        rotated.write_text("other\n")
        assert follower.go() == []
        append(rotated, "more\n")
        assert follower.tailer
        follower.tailer.look_at([str(rotated)])
        assert follower.go(scan=False) == []
        rotated.rename(log)
        assert follower.go() == ["a.log:other", "a.log:more"]

    def test_deleted_while_open_it_is_read_to_its_end(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "1\n")
        follower.go()
        append(log, "2\n")
        log.unlink()
        assert follower.go() == ["a.log:2"]

    def test_deleted_and_recreated_it_is_another_file(self, follow: Follow, log: Path) -> None:
        follower = follow()
        for i in range(20):
            append(log, "same\n")
            assert follower.go() == ["a.log:same"], i
            log.unlink()
        assert len(follower.accounts) == 20

    def test_deleted_and_recreated_while_no_agent_ran_with_the_same_inode(self, follow: Follow, log: Path) -> None:
        follower = follow()
        for i in range(20):
            append(log, f"same header\n{i}\n")
            assert follower.go() == ["a.log:same header", f"a.log:{i}"]
            follower.stop()
            log.unlink()
        assert len(follower.accounts) == 20

    def test_what_was_seen_and_deleted_while_no_agent_ran_is_lost_and_counted_once(
        self, follow: Follow, log: Path
    ) -> None:
        follower = follow()
        append(log, "1\n")
        follower.go()
        follower.stop()
        ((file_id, account),) = follower.accounts.items()
        follower.accounts[file_id] = replace(account, seen=500)
        log.unlink()
        follower.go()
        assert follower.of(Lost) == [Lost(file_id, 2, 500, Reason.DELETED)]
        follower.restart()
        append(log, "reused\n")
        assert follower.go() == ["a.log:reused"]
        assert len(follower.of(Lost)) == 1

    def test_what_was_on_its_way_when_the_agent_ended_is_lost_and_counted_once(
        self, follow: Follow, log: Path, tmp_path: Path
    ) -> None:
        follower = follow(rotated_idle_s=1)
        append(log, "1\n2\n")
        follower.go()
        append(log, "3\n")
        follower.go(acknowledged=False)
        rotated = tmp_path / "a.log.1"
        log.rename(rotated)
        follower.go()
        rotated.unlink()
        follower.now_s += 2
        follower.go()
        follower.now_s += 2
        follower.go()
        ((file_id, account),) = follower.accounts.items()
        assert account.gone_ns
        for _ in range(2):
            follower.restart()
            assert follower.go() == []
            assert follower.of(Lost) == [Lost(file_id, 4, 6, Reason.DELETED)]

    def test_what_was_on_its_way_is_read_again_where_it_still_is(
        self, follow: Follow, log: Path, tmp_path: Path
    ) -> None:
        follower = follow(rotated_idle_s=1)
        append(log, "1\n")
        follower.go(acknowledged=False)
        log.rename(tmp_path / "a.log.1")
        for _ in range(3):
            follower.now_s += 2
            follower.go()
        (account,) = follower.accounts.values()
        assert account.gone_ns
        follower.restart()
        assert follower.go() == ["a.log:1"]
        assert not follower.of(Lost)


class TestTruncation:
    @pytest.mark.parametrize("restart", [False, True])
    @pytest.mark.parametrize("content", ["x\n", "1\n9\n", "1\n8\n", "1\n9\n3\n4\n"])
    def test_other_content_is_read_from_its_beginning(
        self, follow: Follow, log: Path, restart: bool, content: str
    ) -> None:
        follower = follow()
        append(log, "1\n2\n")
        follower.go()
        if restart:
            follower.stop()
        os.utime(log, ns=(1, 1))
        log.write_text(content)
        assert follower.go() == [f"a.log:{line}" for line in content.split()]
        first, second = (event.account for event in follower.of(Opened))
        assert (first.identity.generation, second.identity.generation) == (0, 1)
        assert first.file_id != second.file_id

    def test_what_was_seen_and_not_read_is_lost(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "1\n")
        follower.go()
        append(log, "2\n3\n")
        assert follower.tailer
        follower.tailer.scan()
        log.write_text("x\n")
        assert follower.go() == ["a.log:x"]
        assert [(lost.start, lost.end, lost.why) for lost in follower.of(Lost)] == [(2, 6, Reason.TRUNCATED)]

    @pytest.mark.parametrize("read_before", [True, False], ids=["of a file that was read", "of one never read"])
    @pytest.mark.parametrize("second", ["2\n", "the other content\n" * 3, "the second content\n" * 4])
    def test_what_was_only_seen_between_two_looks_is_counted(
        self, follow: Follow, log: Path, read_before: bool, second: str
    ) -> None:
        """Smaller than the first content, as large or larger: it is seen, and gone before its turn comes."""
        append(log, "the first content\n" * 3)
        follower = follow()
        tailer = follower.start()
        if read_before:
            follower.go()
        else:
            follower._take(tailer.scan().events)
        log.write_text(second)
        follower._take(tailer.scan().events)
        log.write_text("the third content, which is the one that is read\n" * 5)
        follower._take(tailer.scan().events)
        assert len(follower.go()) == 5
        lost = [(lost.end - lost.start, lost.why) for lost in follower.of(Lost)]
        expected = [len(second)] if read_before else [54, len(second)]
        assert lost == [(count, Reason.TRUNCATED) for count in expected]

    def test_a_generation_is_never_given_twice(self, follow: Follow, log: Path) -> None:
        follower = follow()
        for _ in range(3):
            log.write_text("same\n")
            os.utime(log, ns=(1, 1))
            follower.go()
            log.write_text("")
            follower.go()
        assert follower.tailer
        follower.floor = follower.tailer.forget(follower.accounts.values())
        ids = set(follower.accounts)
        follower.accounts.clear()
        follower.restart()
        log.write_text("same\n")
        assert follower.go() == ["a.log:same"]
        assert len(ids) == 3
        assert not ids & set(follower.accounts)


class TestTrouble:
    def test_a_file_that_cannot_be_read_is_named_and_read_when_it_can(self, follow: Follow, log: Path) -> None:
        follower = follow()
        append(log, "1\n")
        follower.unreadable.add(str(log))
        assert follower.go() == []
        assert follower.tailer
        assert follower.tailer.problems == {str(log): "cannot be read: Permission denied"}
        follower.unreadable.clear()
        assert follower.go() == ["a.log:1"]
        assert follower.tailer.problems == {}

    def test_few_descriptors_are_enough_for_many_files(self, follow: Follow, tmp_path: Path) -> None:
        follower = follow(open_files_max=3)
        files = [tmp_path / f"{i}.log" for i in range(20)]
        for turn in range(3):
            for path in files:
                append(path, f"{turn}\n")
            assert sorted(follower.go()) == sorted(f"{path.name}:{turn}" for path in files)
            assert follower.tailer
            assert follower.tailer.open_files <= 3

    def test_a_file_renamed_while_it_was_closed_is_found_again(self, follow: Follow, tmp_path: Path) -> None:
        follower = follow(open_files_max=1)
        first, second = tmp_path / "a.log", tmp_path / "b.log"
        append(first, "1\n")
        follower.go()
        append(second, "1\n")
        follower.go()
        append(first, "2\n")
        first.rename(tmp_path / "a.log.1")
        assert [*follower.go(), *follower.go()] == ["a.log:2"]
        assert not follower.of(Lost)

    def test_at_the_end_of_all_every_last_line_counts(self, follow: Follow, log: Path, tmp_path: Path) -> None:
        append(log, "1\nlast")
        append(tmp_path / "b.log", "only")
        follower = follow()
        follower.start(at_end=True)
        assert sorted(follower.go()) == ["a.log:1", "a.log:last", "b.log:only"]
        follower.restart(at_end=True)
        assert follower.go() == []
        append(log, "ing\n")
        assert follower.go() == ["a.log:ing"]
