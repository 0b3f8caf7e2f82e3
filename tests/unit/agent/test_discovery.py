from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from clew_agent.config import SourceSettings
from clew_agent.tail import Discovery, Scan


def scan(*sources: dict[str, Any]) -> Scan:
    return Discovery([SourceSettings.model_validate(source) for source in sources]).scan()


def paths(found: Scan) -> list[str]:
    return sorted(file.path for file in found.files.values())


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_two_stars_match_any_number_of_directories(tmp_path: Path) -> None:
    touch(tmp_path, "a.log", "x/b.log", "x/y/c.log", "x/y/d.txt")
    found = scan({"paths": [f"{tmp_path}/**/*.log"]})
    assert paths(found) == [f"{tmp_path}/{name}" for name in ("a.log", "x/b.log", "x/y/c.log")]


def test_excluded_paths_are_left_alone(tmp_path: Path) -> None:
    touch(tmp_path, "a.log", "a.log.gz", "debug/b.log")
    found = scan({"paths": [f"{tmp_path}/**"], "exclude": ["*.gz", f"{tmp_path}/debug/*"]})
    assert paths(found) == [f"{tmp_path}/a.log"]


def test_a_glob_without_files_is_named_also_if_all_are_excluded(tmp_path: Path) -> None:
    touch(tmp_path, "a.log")
    found = scan({"paths": [f"{tmp_path}/*.log", f"{tmp_path}/none"]}, {"paths": [f"{tmp_path}/a*"], "exclude": ["*"]})
    assert found.unmatched == (f"{tmp_path}/none", f"{tmp_path}/a*")


def test_one_file_by_many_names_is_one_file_of_the_first_source(tmp_path: Path) -> None:
    touch(tmp_path, "b.log")
    os.link(tmp_path / "b.log", tmp_path / "hard.log")
    (tmp_path / "a.log").symlink_to("b.log")
    found = scan(
        {"paths": [f"{tmp_path}/[bh]*.log"], "service": "first"},
        {"paths": [f"{tmp_path}/*.log", f"{tmp_path}/b.log"], "service": "second"},
    )
    (file,) = found.files.values()
    assert (file.path, file.source.service) == (f"{tmp_path}/b.log", "first")


def test_what_is_no_regular_file_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "dir.log").mkdir()
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "nowhere.log").symlink_to("gone")
    assert not scan({"paths": [f"{tmp_path}/*.log"]}).files


def test_it_says_where_changes_may_be_seen(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.log", "x/c.log")
    (tmp_path / "x" / "link.log").symlink_to(tmp_path / "real" / "a.log")
    found = scan({"paths": [f"{tmp_path}/*/*.log", f"{tmp_path}/later/*.log"]})
    assert found.directories == {f"{tmp_path}/{name}" for name in ("real", "x", "later")}
