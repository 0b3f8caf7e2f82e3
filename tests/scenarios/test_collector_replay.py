"""`clew replay` from outside: the store rebuilt from the log, whole after a kill at any point."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import subprocess
from pathlib import Path
from threading import Timer

import pytest
from tests.chunks import FILE_A, FILE_B, numbered
from tests.scenarios.collector_program import (
    CLEW,
    CollectorProgram,
    body_of,
    clew,
    post,
    stored_places,
    wait_until_stored,
)

from clew_collector.log.sqlite import SqliteLog
from clew_collector.rebuild import new_store, old_store

DAY_NS = 86_400 * 10**9
WANTED = sorted((file.hex(), 16 * n) for file in (FILE_A, FILE_B) for n in range(3000))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with 6,000 lines in log and store."""
    data = tmp_path_factory.mktemp("filled") / "data"
    with CollectorProgram(data) as program:
        for first in range(0, 3000, 500):
            post(program, body_of(numbered(first, first + 500), numbered(first, first + 500, file=FILE_B)))
        wait_until_stored(program)
    return data


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "data"))


class TestReplay:
    def test_rebuilds_the_store_and_says_what_it_read(self, data: Path) -> None:
        shutil.rmtree(data / "store")
        done = clew("replay", "--data", data, "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["records"], said["events"], said["files"], said["bytes"]) == (12, 6000, 2, 96_000)
        assert stored_places(data) == WANTED
        assert not new_store(data / "store").exists()
        assert not old_store(data / "store").exists()

    def test_says_it_in_words_too(self, data: Path) -> None:
        done = clew("replay", "--data", data)
        assert done.returncode == 0
        assert "6000 events of 2 files" in done.stdout

    def test_keeps_the_days_before(self, tmp_path: Path) -> None:
        """Three log days; the first day's index is not touched, the others are rebuilt."""
        data = tmp_path / "data"
        clock = iter(20_000 * DAY_NS + day * DAY_NS for day in range(3))

        async def fill() -> None:
            log = SqliteLog.open(data / "log", clock=lambda: next(clock))
            for day in range(3):
                await log.append([numbered(100 * day, 100 * day + 100)])
            await log.close()

        data.mkdir()
        (data / "VERSION").write_text('{"format":1}')
        asyncio.run(fill())
        assert clew("replay", "--data", data).returncode == 0
        days = sorted(path.name for path in (data / "store").iterdir() if path.is_dir())
        assert days == ["2024-10-04", "2024-10-05", "2024-10-06"]
        for day in days[1:]:
            shutil.rmtree(data / "store" / day)
        done = clew("replay", "--data", data, "--from", "2024-10-05T08:00:00Z", "--json")
        assert done.returncode == 0, done.stderr
        assert (json.loads(done.stdout)["records"], json.loads(done.stdout)["events"]) == (2, 300)
        assert stored_places(data) == [(FILE_A.hex(), 16 * n) for n in range(300)]

    @pytest.mark.parametrize("seed", range(4))
    def test_killed_at_any_point_the_directory_opens_and_is_whole(self, data: Path, seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(2):
            process = subprocess.Popen([*CLEW, "replay", "--data", data], stdout=subprocess.DEVNULL)
            killer = Timer(rng.uniform(0.5, 1.6), process.send_signal, [signal.SIGKILL])
            killer.start()
            process.wait(60)
            killer.cancel()
            killer.join()
        with CollectorProgram(data) as program:
            wait_until_stored(program)
        assert stored_places(data) == WANTED


class TestRefuses:
    def test_a_directory_in_use(self, data: Path) -> None:
        with CollectorProgram(data):
            done = clew("replay", "--data", data)
        assert done.returncode == 1
        assert "works in" in done.stderr
        assert "hint:" in done.stderr

    def test_a_folder_that_is_none(self, tmp_path: Path) -> None:
        done = clew("replay", "--data", tmp_path / "nothing")
        assert done.returncode == 1
        assert "no data directory" in done.stderr
        assert not (tmp_path / "nothing").exists()

    def test_a_day_that_is_none(self, data: Path) -> None:
        done = clew("replay", "--data", data, "--from", "yesterday")
        assert done.returncode == 1
        assert "no day" in done.stderr
