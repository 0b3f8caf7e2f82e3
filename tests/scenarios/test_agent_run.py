"""The agent from outside: a process, files, and a receiver on loopback."""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections import Counter
from pathlib import Path

import pytest
from tests.scenarios.agent_program import AgentProgram
from tests.scenarios.agent_steps import append, has, numbered, wait_for_status
from tests.sink import Answer, Sink


class TestFiles:
    def test_appended_lines_arrive_exactly_once(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", *numbered("a", 0, 1000))
        agent.start()
        sink.wait_for(has(*numbered("a", 0, 1000)))
        for i in range(1000, 1050):
            append(logs / "a.log", f"a {i}")
        sink.wait_for(has(*numbered("a", 0, 1050)))
        assert len(sink.events()) == 1050
        assert [int(line.split()[1]) for _, line in sink.events()] == list(range(1050))

    def test_rename_rotation_with_the_writer_on_the_old_descriptor(
        self, agent: AgentProgram, sink: Sink, logs: Path
    ) -> None:
        path = logs / "a.log"
        append(path, "0 before")
        agent.start()
        sink.wait_for(has("0 before"))
        expected = ["0 before"]
        for i in range(1, 6):
            with path.open("a") as old:
                path.rename(logs / f"a.log.{i}")
                append(path, f"{i} new")
                old.write(f"{i} late\n")
            expected += [f"{i} new", f"{i} late"]
            sink.wait_for(has(*expected))
        assert len(sink.events()) == len(expected)

    def test_what_was_written_and_rotated_while_no_agent_ran(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", "1")
        agent.start()
        sink.wait_for(has("1"))
        assert agent.terminate() == 0
        append(logs / "a.log", "2")
        (logs / "a.log").rename(logs / "a.log.1")
        append(logs / "a.log", "3")
        agent.start()
        sink.wait_for(has("1", "2", "3"))
        assert len(sink.events()) == 3

    def test_two_globs_and_links_to_one_file_are_one_file(self, tmp_path: Path, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", "1", "2")
        os.link(logs / "a.log", logs / "hard.log")
        (logs / "soft.log").symlink_to("a.log")
        sources = [{"paths": [f"{logs}/*.log", f"{logs}/a*"]}, {"paths": [f"{logs}/**/*.log"]}]
        with AgentProgram(tmp_path, sink.url, sources=sources) as agent:
            assert agent.call("run", "--once").returncode == 0
        assert Counter(line for _, line in sink.events()) == Counter([b"1", b"2"])

    def test_a_line_of_100_mb_is_cut_counted_and_the_next_is_whole(
        self, agent: AgentProgram, sink: Sink, logs: Path
    ) -> None:
        with (logs / "a.log").open("wb") as file:
            file.write(b"before\n")
            for _ in range(100):
                file.write(b"x" * 1_000_000)
        append(logs / "a.log", " end of the long line", "after")
        done = agent.call("run", "--once")
        assert done.returncode == 0, done.stderr
        assert [len(line) for _, line in sink.events()] == [6, (1 << 20) - 1, 5]
        size = (logs / "a.log").stat().st_size
        assert sum(line.length for chunk in sink.chunks for line in chunk.lines()) == size
        assert sink.beats[-1].files[0].acknowledged == size
        assert "cut" in done.stderr

    def test_any_bytes_pass_untouched(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        content = [b"\xff\xfe invalid", b"nul \0\0 nul", b"", bytes(range(11, 256)), b"crlf"]
        (logs / "a.log").write_bytes(b"\n".join(content) + b"\r\nlast without end")
        (logs / "empty.log").touch()
        assert agent.call("run", "--once").returncode == 0
        assert [line for _, line in sink.events()] == [*content, b"last without end"]


class TestEnding:
    def test_sigterm_flushes_and_the_next_run_goes_on_without_a_double(
        self, agent: AgentProgram, sink: Sink, logs: Path
    ) -> None:
        for turn in range(3):
            append(logs / "a.log", *numbered("a", turn * 5000, turn * 5000 + 5000))
            process = agent.start()
            sink.wait_for(lambda sink, turn=turn: len(sink.events()) > turn * 5000)
            assert agent.terminate() == 0
            assert process.returncode == 0
            assert sink.beats[-1].files[0].acknowledged == sink.beats[-1].files[0].shipped
        agent.start()
        sink.wait_for(has(*numbered("a", 0, 15_000)))
        assert len(sink.events()) == 15_000

    @pytest.mark.parametrize("seed", range(2))
    def test_kill_at_any_moment_loses_nothing_and_doubles_only_under_the_same_id(
        self, tmp_path: Path, sink: Sink, logs: Path, seed: int
    ) -> None:
        # What is written and rotated away while no agent runs can only be seen if the glob has the rotated files too.
        agent = AgentProgram(tmp_path, sink.url, sources=[{"paths": [f"{logs}/*.log*"]}])
        rng = random.Random(seed)
        expected: list[str] = []
        writing = threading.Event()

        def write() -> None:
            for i in range(400):
                name = f"{i % 3}.log"
                batch = numbered(f"{name} {i}", 0, 30)
                expected.extend(batch)
                append(logs / name, *batch)
                if i % 50 == 49:
                    (logs / name).rename(logs / f"{name}.{i}")
                writing.wait(0.005)

        writer = threading.Thread(target=write)
        writer.start()
        kills = 0
        with agent:
            while writer.is_alive() or kills < 5:
                agent.start()
                requests = sink.requests
                sink.wait_for(lambda sink, requests=requests: sink.requests > requests or not writer.is_alive())
                writing.wait(rng.random() * 0.1)
                agent.kill()
                kills += 1
            writer.join()
            agent.start()
            sink.wait_for(has(*expected))
        lines_of: dict[str, set[bytes]] = {}
        for event, line in sink.events():
            lines_of.setdefault(event, set()).add(line)
        assert all(len(lines) == 1 for lines in lines_of.values())
        assert len(lines_of) == len(expected)

    def test_it_ends_with_its_parent(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", "1")
        ours, theirs = os.pipe()
        process = agent.start("--parent-fd", str(ours), pass_fds=(ours,))
        os.close(ours)
        sink.wait_for(has("1"))
        os.close(theirs)
        assert process.wait(30) == 0

    def test_a_second_agent_in_the_directory_is_told_so(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "a.log", "1")
        agent.start()
        sink.wait_for(has("1"))
        second = agent.call("run", "--once")
        assert second.returncode == 1
        assert "another agent works in" in second.stderr
        assert "hint:" in second.stderr


class TestReceiver:
    def test_down_at_first_then_up(self, tmp_path: Path, logs: Path) -> None:
        with Sink() as reserved:
            port = reserved.port
        append(logs / "a.log", *numbered("a", 0, 100))
        with AgentProgram(tmp_path, f"http://127.0.0.1:{port}") as agent:
            agent.start()
            wait_for_status(agent, lambda status: "send" in status["heartbeat"]["errors"])
            with Sink(port=port) as sink:
                sink.wait_for(has(*numbered("a", 0, 100)))
                sink.wait_for(lambda sink: bool(sink.beats) and not sink.beats[-1].errors)
            wait_for_status(agent, lambda status: "heartbeat" in status["heartbeat"]["errors"])
            append(logs / "a.log", *numbered("a", 100, 200))
            with Sink(port=port) as again:
                again.wait_for(has(*numbered("a", 100, 200)))
                assert agent.terminate() == 0

    def test_answers_that_get_lost_make_doubles_under_the_same_id(
        self, agent: AgentProgram, sink: Sink, logs: Path
    ) -> None:
        append(logs / "a.log", *numbered("a", 0, 100))
        sink.answers.extend([Answer(503, keeps=True)] * 3)
        assert agent.call("run", "--once").returncode == 0
        assert sink.lines() == Counter(line.encode() for line in numbered("a", 0, 100))
        assert len(sink.events()) == 400
        assert len(dict(sink.events())) == 100

    def test_stopping_while_it_is_down_does_not_take_for_ever_and_loses_nothing(
        self, tmp_path: Path, sink: Sink, logs: Path
    ) -> None:
        sink.always = Answer(503)
        append(logs / "a.log", "1", "2")
        with AgentProgram(tmp_path, sink.url, shutdown_flush_s=0.2) as agent:
            agent.start()
            sink.wait_for(lambda sink: sink.requests > 0)
            assert agent.terminate() == 0
            sink.always = None
            agent.start()
            sink.wait_for(has("1", "2"))


class TestCheckpoint:
    @pytest.mark.parametrize("damage", ["half", "zeros", "empty", "both"])
    def test_a_damaged_one_sends_again_under_the_same_ids_and_loses_nothing(
        self, agent: AgentProgram, sink: Sink, logs: Path, damage: str
    ) -> None:
        append(logs / "a.log", *numbered("a", 0, 50))
        assert agent.call("run", "--once").returncode == 0
        path = agent.data / "checkpoint"
        whole = path.read_bytes()
        broken = {"half": whole[: len(whole) // 2], "zeros": bytes(len(whole))}.get(damage, b"")
        path.write_bytes(broken)
        if damage == "both":
            (agent.data / "checkpoint.previous").write_bytes(broken)
        append(logs / "a.log", "a 50")
        done = agent.call("run", "--once")
        assert done.returncode == 0, done.stderr
        assert "damaged" in done.stderr
        assert sink.lines() == Counter(line.encode() for line in numbered("a", 0, 51))
        assert len(dict(sink.events())) == 51


class TestTrouble:
    @pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root reads everything")
    def test_an_unreadable_file_is_named_and_delivered_once_readable(
        self, tmp_path: Path, sink: Sink, logs: Path
    ) -> None:
        secret = logs / "secret.log"
        append(secret, "secret")
        append(logs / "a.log", "public")
        secret.chmod(0o000)
        # Root without its power to read what it may not is like everybody else.
        powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        with AgentProgram(tmp_path, sink.url, prefix=powerless) as agent:
            once = agent.call("run", "--once")
            assert once.returncode == 1
            assert f"{secret}: cannot be read: Permission denied" in once.stderr
            assert sink.lines() == Counter([b"public"])
            check = agent.call("check")
            assert check.returncode == 1
            assert f"problem: {secret}" in check.stderr
            agent.start()
            sink.wait_for(lambda sink: sink.beats[-1].errors.get(str(secret), "").startswith("cannot be read"))
            secret.chmod(0o644)
            sink.wait_for(has("public", "secret"))
            sink.wait_for(lambda sink: not sink.beats[-1].errors)

    def test_a_glob_that_matches_nothing_is_an_error_only_with_once(
        self, tmp_path: Path, sink: Sink, logs: Path
    ) -> None:
        with AgentProgram(tmp_path, sink.url) as agent:
            once = agent.call("run", "--once")
            assert once.returncode == 1
            assert f"{logs}/*.log: matches no file" in once.stderr
            agent.start()
            sink.wait_for(lambda sink: bool(sink.beats) and f"{logs}/*.log" in sink.beats[-1].errors)
            append(logs / "a.log", "1")
            sink.wait_for(has("1"))
            sink.wait_for(lambda sink: not sink.beats[-1].errors)
            assert agent.terminate() == 0

    def test_refused_lines_are_given_up_and_make_once_fail(self, agent: AgentProgram, sink: Sink, logs: Path) -> None:
        append(logs / "bad.log", "bad")
        append(logs / "good.log", "good")
        sink.refuses = lambda chunk: chunk.source.service == "bad"
        done = agent.call("run", "--once")
        assert done.returncode == 1
        assert f"{logs}/bad.log: 4 bytes were given up: refused" in done.stderr
        assert sink.lines() == Counter([b"good"])

    def test_every_mistake_in_the_configuration_is_named(self, agent: AgentProgram) -> None:
        agent.config.write_text("sources: [{paths: [relative]}]\nserver: ftp://x\n")
        for command in ("run", "check", "status"):
            done = agent.call(command)
            assert done.returncode == 1
            assert "sources.0.paths: " in done.stderr
            assert "server: " in done.stderr
