"""A data directory is made, locked, and never touched when it is not ours to use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clew_agent.errors import DirectoryLocked
from clew_collector.datadir import DataDirectory
from clew_collector.errors import DataDirectoryError


def contents(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


class TestOpen:
    @pytest.mark.parametrize("there", [False, True])
    def test_makes_it_where_there_is_nothing(self, tmp_path: Path, there: bool) -> None:
        path = tmp_path / "a" / "b"
        if there:
            path.mkdir(parents=True)
        DataDirectory.open(path).close()
        assert (path / "VERSION").read_text() == '{"format":1}\n'
        DataDirectory.open(path).close()

    @pytest.mark.parametrize("left", ["lock", "VERSION.new"])
    def test_finishes_what_was_begun(self, tmp_path: Path, left: str) -> None:
        (tmp_path / left).write_bytes(b"")
        DataDirectory.open(tmp_path).close()
        assert (tmp_path / "VERSION").exists()
        assert not (tmp_path / "VERSION.new").exists()

    def test_an_agent_may_have_been_there_first(self, tmp_path: Path) -> None:
        (tmp_path / "agent").mkdir()
        DataDirectory.open(tmp_path).close()
        assert (tmp_path / "VERSION").exists()

    def test_a_second_one_is_told_who_has_it(self, tmp_path: Path) -> None:
        first = DataDirectory.open(tmp_path)
        with pytest.raises(DirectoryLocked, match=f"process {os.getpid()} ") as caught:
            DataDirectory.open(tmp_path)
        assert caught.value.hint
        first.close()
        DataDirectory.open(tmp_path).close()

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            pytest.param("VERSION", b'{"format": 2}', "format 2", id="newer"),
            pytest.param("VERSION", b"", "damaged", id="empty version"),
            pytest.param("VERSION", b"\xff\xfe\x00", "damaged", id="noise"),
            pytest.param("VERSION", b'{"format": "one"}', "damaged", id="wrong type"),
            pytest.param("VERSION", b"[]", "damaged", id="wrong form"),
            pytest.param("holiday.jpg", b"", "not empty", id="somebody's folder"),
        ],
    )
    def test_leaves_what_it_cannot_use(self, tmp_path: Path, name: str, content: bytes, says: str) -> None:
        (tmp_path / name).write_bytes(content)
        (tmp_path / "log").mkdir()
        before = contents(tmp_path)
        with pytest.raises(DataDirectoryError, match=says) as caught:
            DataDirectory.open(tmp_path)
        assert caught.value.hint
        assert contents(tmp_path) == before

    def test_a_file_in_its_place(self, tmp_path: Path) -> None:
        path = tmp_path / "data"
        path.write_bytes(b"")
        with pytest.raises(DataDirectoryError, match="cannot be read"):
            DataDirectory.open(path)


class TestLook:
    def test_needs_no_lock(self, tmp_path: Path) -> None:
        owner = DataDirectory.open(tmp_path)
        assert DataDirectory.look(tmp_path).log == tmp_path / "log"
        owner.close()

    def test_makes_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(DataDirectoryError, match="no data directory"):
            DataDirectory.look(tmp_path / "none")
        assert list(tmp_path.iterdir()) == []
