"""Putting a rebuilt store in the place of the old one survives a kill between any two steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from clew_collector.rebuild import Leftovers, finish_swap, judge, new_store, old_store, swap


def make(path: Path, content: str) -> None:
    path.mkdir()
    (path / "content").write_text(content)


class TestJudge:
    @pytest.mark.parametrize(
        ("store", "new", "old", "found"),
        [
            (False, False, False, Leftovers.NOTHING),
            (True, False, False, Leftovers.NOTHING),
            (True, True, False, Leftovers.DROP_NEW),
            (False, True, False, Leftovers.DROP_NEW),
            (False, True, True, Leftovers.TAKE_NEW),
            (True, False, True, Leftovers.DROP_OLD),
            (True, True, True, Leftovers.DROP_NEW),
        ],
    )
    def test_knows_what_was_interrupted(self, store: bool, new: bool, old: bool, found: Leftovers) -> None:
        assert judge(store=store, new=new, old=old) is found


class TestSwap:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        return tmp_path / "store"

    def test_the_new_one_takes_the_place(self, store: Path) -> None:
        make(store, "old")
        make(new_store(store), "new")
        swap(store)
        assert (store / "content").read_text() == "new"
        assert [p.name for p in store.parent.iterdir()] == ["store"]

    def test_there_may_have_been_none(self, store: Path) -> None:
        make(new_store(store), "new")
        swap(store)
        assert (store / "content").read_text() == "new"

    def test_killed_while_building_the_old_one_stays(self, store: Path) -> None:
        make(store, "old")
        make(new_store(store), "half")
        assert finish_swap(store) is Leftovers.DROP_NEW
        assert (store / "content").read_text() == "old"
        assert [p.name for p in store.parent.iterdir()] == ["store"]

    def test_killed_between_the_renames_the_new_one_is_taken(self, store: Path) -> None:
        make(old_store(store), "old")
        make(new_store(store), "new")
        assert finish_swap(store) is Leftovers.TAKE_NEW
        assert (store / "content").read_text() == "new"
        assert [p.name for p in store.parent.iterdir()] == ["store"]

    def test_killed_while_removing_the_old_one_the_new_one_stays(self, store: Path) -> None:
        make(store, "new")
        make(old_store(store), "ol")
        assert finish_swap(store) is Leftovers.DROP_OLD
        assert (store / "content").read_text() == "new"
        assert [p.name for p in store.parent.iterdir()] == ["store"]
