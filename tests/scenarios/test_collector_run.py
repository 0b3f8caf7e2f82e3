"""`clew collector run` from outside: exact through kill -9, clear where it cannot run, patient on a full disk."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import httpx
import pytest
from tests.chunks import FILE_A, FILE_B, chunk_of, numbered
from tests.scenarios.collector_program import CollectorProgram, body_of, clew, post, stored_places, wait_until_stored

from clew_agent.wire import CHUNKS_PATH


class Sender:
    """An agent's part: sends lines in order, cut anywhere, the same again until they are acknowledged."""

    def __init__(self, file: bytes, rng: random.Random) -> None:
        self._file = file
        self._rng = rng
        self.acknowledged = 0

    def send(self, program: CollectorProgram) -> None:
        """Send some lines once. Raises what httpx does when it was not acknowledged."""
        end = self.acknowledged + self._rng.randint(1, 400)
        middle = self._rng.randint(self.acknowledged, end)
        parts = [(self.acknowledged, middle), (middle, end)]
        answer = post(program, body_of(*(numbered(a, b, file=self._file) for a, b in parts if a < b)))
        answer.raise_for_status()
        self.acknowledged = end


class TestKill:
    @pytest.mark.parametrize("seed", [1, 2])
    def test_every_acknowledged_line_is_there_once(self, tmp_path: Path, seed: int) -> None:
        """Killed at random moments: while it appends, consumes, flushes, or starts."""
        rng = random.Random(seed)
        senders = [Sender(FILE_A, rng), Sender(FILE_B, rng)]
        program = CollectorProgram(tmp_path / "data", flush_interval_s=0.02)
        for _ in range(6):
            program.start()
            killer = Timer(rng.uniform(0, 0.6), program.kill)
            killer.start()
            with contextlib.suppress(httpx.TransportError):
                while True:
                    rng.choice(senders).send(program)
            killer.join()
        with program:
            for sender in senders:
                sender.send(program)
            wait_until_stored(program)
        wanted = [
            (file.hex(), 16 * n)
            for file, sender in zip([FILE_A, FILE_B], senders, strict=True)
            for n in range(sender.acknowledged)
        ]
        found = stored_places(program.data)
        assert len(found) == len(set(found))
        assert set(wanted) <= set(found)
        # What arrived without its 200 is no more than the last request of each file.
        assert len(found) - len(wanted) <= 800

    def test_a_chunk_sent_again_after_the_kill_adds_nothing(self, tmp_path: Path) -> None:
        program = CollectorProgram(tmp_path / "data")
        with program:
            assert post(program, body_of(numbered(0, 50))).json() == {"accepted": 50, "duplicate": 0}
            program.kill()
            program.start()
            assert post(program, body_of(numbered(0, 60))).json() == {"accepted": 10, "duplicate": 50}
            wait_until_stored(program)
        assert stored_places(program.data) == [(FILE_A.hex(), 16 * n) for n in range(60)]


class TestStop:
    def test_a_terminated_one_ends_well_and_leaves_a_whole_directory(self, tmp_path: Path) -> None:
        program = CollectorProgram(tmp_path / "data")
        program.start()
        post(program, body_of(numbered(0, 50)))
        assert program.stop() == 0
        with program:
            wait_until_stored(program)
        assert len(stored_places(program.data)) == 50


class TestRefuses:
    def test_a_body_over_the_limit_and_goes_on(self, tmp_path: Path) -> None:
        large = body_of(chunk_of([random.Random(1).randbytes(5_000_000)]))
        with (
            CollectorProgram(tmp_path / "data", body_bytes_max=100_000) as program,
            httpx.Client(base_url=program.url, timeout=30) as http,
        ):
            assert http.post(CHUNKS_PATH, content=large).status_code == 413
            assert http.post(CHUNKS_PATH, content=iter([large])).status_code == 413
            assert http.post(CHUNKS_PATH, content=body_of(numbered(0, 1))).json()["accepted"] == 1
            assert http.post(CHUNKS_PATH, content=b"no chunks").status_code == 400

    def test_a_directory_that_another_process_has(self, tmp_path: Path) -> None:
        with CollectorProgram(tmp_path / "data") as program:
            second = clew("collector", "run", "--data", program.data, "--listen", "127.0.0.1:0")
            assert second.returncode == 1
            assert f"process {program.pid} works in {program.data}" in second.stderr
            assert "hint:" in second.stderr

    def test_a_port_in_use(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = clew("collector", "run", "--data", tmp_path / "data", "--listen", f"127.0.0.1:{port}")
        assert done.returncode == 1
        assert str(port) in done.stderr
        assert "hint:" in done.stderr
        assert not (tmp_path / "data").exists()

    @pytest.mark.parametrize("version", ['{"format": 2}', "", "no json"])
    def test_a_directory_of_a_newer_version_or_damaged(self, tmp_path: Path, version: str) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "VERSION").write_text(version)
        done = clew("collector", "run", "--data", data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1
        assert "hint:" in done.stderr
        assert [p.name for p in data.iterdir()] == ["VERSION"]
        assert (data / "VERSION").read_text() == version

    def test_a_damaged_log(self, tmp_path: Path) -> None:
        with CollectorProgram(tmp_path / "data") as program:
            post(program, body_of(numbered(0, 50)))
        (day,) = (program.data / "log").glob("*.sqlite")
        day.write_bytes(b"noise" * 5000)
        done = clew("collector", "run", "--data", program.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1
        assert day.name in done.stderr
        assert "hint:" in done.stderr
        assert day.read_bytes() == b"noise" * 5000

    def test_a_store_ahead_of_its_log(self, tmp_path: Path) -> None:
        with CollectorProgram(tmp_path / "data") as program:
            post(program, body_of(numbered(0, 50)))
            wait_until_stored(program)
        for day in (program.data / "log").iterdir():
            day.unlink()
        done = clew("collector", "run", "--data", program.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1
        assert "the log ends at 0" in done.stderr


class TestCheck:
    def test_a_configuration_that_holds(self, tmp_path: Path) -> None:
        config = tmp_path / "collector.yaml"
        config.write_text("data: /var/lib/clew\nlag_bytes_max: 5000\n")
        done = clew("collector", "check", "--config", config)
        assert done.returncode == 0
        assert "/var/lib/clew" in done.stdout

    def test_every_problem_at_once(self, tmp_path: Path) -> None:
        config = tmp_path / "collector.yaml"
        config.write_text("lag_byte_max: 5\nflush_interval_s: -1\nbody_bytes_max: much\n")
        done = clew("collector", "check", "--config", config)
        assert done.returncode == 1
        for key in ("lag_byte_max", "lag_bytes_max", "flush_interval_s", "body_bytes_max"):
            assert key in done.stderr


class TestFullDisk:
    @pytest.fixture
    def small_disk(self, tmp_path: Path) -> Iterator[Path]:
        """A file system of 12 MiB."""
        disk = tmp_path / "disk"
        disk.mkdir()
        if os.geteuid() != 0:
            pytest.skip("only root may mount a small file system")
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], capture_output=True, check=False
        )
        if mounted.returncode != 0:
            pytest.skip(f"mounting a tmpfs is not permitted here: {mounted.stderr.decode().strip()}")
        yield disk
        subprocess.run(["umount", disk], check=True)

    def fill(self, program: CollectorProgram) -> int:
        """Send until it says 503; return the bytes acknowledged."""
        rng = random.Random(1)
        at = 0
        for _ in range(100):
            answer = post(program, body_of(chunk_of([rng.randbytes(499) + b"\n" for _ in range(1000)], start=at)))
            if answer.status_code == 503:
                assert answer.headers["Retry-After"]
                assert "no space" in answer.json()["error"]["message"]
                assert answer.json()["error"]["hint"]
                return at
            answer.raise_for_status()
            at += 500_000
        raise AssertionError("it took more than there is")

    def test_a_log_at_its_limit_says_try_again(self, tmp_path: Path) -> None:
        with CollectorProgram(tmp_path / "data", log_bytes_max=3_000_000) as program:
            assert 1_000_000 <= self.fill(program) <= 3_000_000
            assert httpx.get(program.url + "/healthz").status_code == 200
        with CollectorProgram(tmp_path / "data", log_bytes_max=30_000_000) as program:
            assert post(program, body_of(chunk_of([b"one more\n"], start=100_000_000))).status_code == 200

    def test_a_full_disk_says_try_again_and_loses_nothing(self, small_disk: Path) -> None:
        data = small_disk / "data"
        with CollectorProgram(data) as program:
            acknowledged = self.fill(program)
            assert acknowledged > 0
            assert httpx.get(program.url + "/healthz").status_code == 200
            subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
            again = chunk_of([random.Random(2).randbytes(499) + b"\n" for _ in range(1000)], start=acknowledged)
            assert post(program, body_of(again)).json()["accepted"] == 1000
            wait_until_stored(program)
        assert len(stored_places(data)) == (acknowledged + 500_000) // 500
