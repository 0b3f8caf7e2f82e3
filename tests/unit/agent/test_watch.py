from __future__ import annotations

import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from clew_agent.tail import Changes, DirectoryWatch


@pytest.fixture
def watch() -> Iterator[DirectoryWatch]:
    watch = DirectoryWatch()
    yield watch
    watch.close()


def changes(watch: DirectoryWatch) -> Changes:
    descriptor = watch.fileno()
    assert descriptor is not None
    assert select.select([descriptor], [], [], 10)[0]
    return watch.changes()


def test_tells_which_files_were_written(watch: DirectoryWatch, tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    assert watch.follow([str(tmp_path)])
    assert not watch.follow([str(tmp_path)])
    with (tmp_path / "a.log").open("ab") as file:
        file.write(b"x")
    assert changes(watch) == Changes({str(tmp_path / "a.log")}, names_changed=False)
    assert watch.changes() == Changes()


@pytest.mark.parametrize("change", ["create", "rename", "delete", "mkdir"])
def test_tells_that_names_changed(watch: DirectoryWatch, tmp_path: Path, change: str) -> None:
    (tmp_path / "a.log").touch()
    watch.follow([str(tmp_path)])
    match change:
        case "create":
            (tmp_path / "b.log").touch()
        case "rename":
            (tmp_path / "a.log").rename(tmp_path / "a.log.1")
        case "delete":
            (tmp_path / "a.log").unlink()
        case "mkdir":
            (tmp_path / "d").mkdir()
    assert changes(watch).names_changed


def test_a_directory_by_two_names_is_told_by_both(watch: DirectoryWatch, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    (real / "a.log").touch()
    watch.follow([str(real), str(link)])
    (real / "a.log").write_bytes(b"x")
    assert changes(watch).written == {str(real / "a.log"), str(link / "a.log")}
    watch.follow([str(real)])
    (real / "a.log").write_bytes(b"y")
    assert changes(watch).written == {str(real / "a.log")}


def test_a_directory_that_went_and_came_back_is_watched_again(watch: DirectoryWatch, tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    watch.follow([str(directory)])
    directory.rename(tmp_path / "old")
    assert changes(watch).names_changed
    watch.follow([str(directory)])
    directory.mkdir()
    watch.changes()
    assert watch.follow([str(directory)])
    (directory / "a.log").write_bytes(b"x")
    assert changes(watch).names_changed
    (directory / "a.log").unlink()
    directory.rmdir()
    assert changes(watch).names_changed
    assert not watch.follow([])


def test_a_directory_that_is_not_there_is_no_error(watch: DirectoryWatch, tmp_path: Path) -> None:
    assert not watch.follow([str(tmp_path / "none")])
