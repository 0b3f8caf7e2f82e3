from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clew_agent.errors import CheckpointError, DirectoryLocked
from clew_agent.lock import DirectoryLock, lock_holder


def test_a_directory_has_one_holder(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "agent"
    assert lock_holder(directory) is None
    with DirectoryLock(directory):
        assert lock_holder(directory) == os.getpid()
        with pytest.raises(DirectoryLocked, match=str(os.getpid())) as raised, DirectoryLock(directory):
            pass
        assert raised.value.hint
    assert lock_holder(directory) is None
    with DirectoryLock(directory):
        assert lock_holder(directory) == os.getpid()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from clew_agent.lock import DirectoryLock\n"
        "with DirectoryLock(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert lock_holder(tmp_path) == process.pid
        process.kill()
    with DirectoryLock(tmp_path):
        assert lock_holder(tmp_path) == os.getpid()


def test_a_directory_that_cannot_be_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be used") as raised, DirectoryLock(tmp_path / "file" / "agent"):
        pass
    assert raised.value.hint
