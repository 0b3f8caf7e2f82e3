"""Rebuilding the store from the log, beside the old one, and putting it in its place.

The new store grows in `store.new`. Renames are single steps, so a kill between them leaves one of four states, and the
next to open the directory brings each to an end (`finish_swap`). Whatever store is then there, the consumer completes
it from the log.
"""

from __future__ import annotations

import shutil
from enum import Enum
from pathlib import Path

from .datadir import sync_directory

__all__ = ["Leftovers", "finish_swap", "judge", "new_store", "old_store", "swap"]


class Leftovers(Enum):
    """What an interrupted rebuild left behind, and so what to do."""

    NOTHING = "nothing"
    DROP_NEW = "the new store was not finished"
    TAKE_NEW = "the old store was put aside, the new one not yet in its place"
    DROP_OLD = "the new store is in its place, the old one not yet removed"


def judge(*, store: bool, new: bool, old: bool) -> Leftovers:
    """Return what to do, given which of the three directories exist."""
    if new:
        # The old store is put aside only once the new one is whole.
        return Leftovers.TAKE_NEW if old and not store else Leftovers.DROP_NEW
    return Leftovers.DROP_OLD if old else Leftovers.NOTHING


def new_store(store: Path) -> Path:
    """Return where the store that will replace this one is built."""
    return store.with_name(store.name + ".new")


def old_store(store: Path) -> Path:
    """Return where the replaced store is put aside."""
    return store.with_name(store.name + ".old")


def finish_swap(store: Path) -> Leftovers:
    """Bring an interrupted rebuild to an end; return what was found."""
    found = judge(store=store.exists(), new=new_store(store).exists(), old=old_store(store).exists())
    if found is Leftovers.DROP_NEW:
        shutil.rmtree(new_store(store))
    if found is Leftovers.TAKE_NEW:
        new_store(store).rename(store)
        sync_directory(store.parent)
    if found in {Leftovers.TAKE_NEW, Leftovers.DROP_OLD}:
        shutil.rmtree(old_store(store))
    return found


def swap(store: Path) -> None:
    """Put the whole new store in the place of the old one, which is removed."""
    if store.exists():
        store.rename(old_store(store))
        sync_directory(store.parent)
        new_store(store).rename(store)
    else:
        new_store(store).rename(store)
    sync_directory(store.parent)
    if old_store(store).exists():
        shutil.rmtree(old_store(store))
