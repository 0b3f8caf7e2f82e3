"""`python -m clew_query.path.learned.apart DIR`: learn a model from a data directory and leave it there."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from clew_agent.errors import ClewError
from clew_collector.service import Readers
from clew_collector.store.protocol import Store
from clew_query.errors import PathModelError

from .learning import Progress, learn
from .model import Model
from .sampling import sample_transactions
from .saved import load_model, save_model

__all__ = ["TRANSACTIONS_MIN", "learn_from_directory", "learn_from_store"]

NICENESS = 19
TRANSACTIONS_MIN = 5
"""Fewer tell nothing: nesting and order are as good."""


async def learn_from_store(
    store: Store, *, previous: Model | None = None, progress: Progress = lambda _: None
) -> Model | None:
    """Return a model of what the store holds, None where that is too little; learning works in a thread."""
    progress("reading transactions")
    sample = await sample_transactions(store)
    if len(sample) < TRANSACTIONS_MIN:
        return None
    return await asyncio.to_thread(learn, sample, previous=previous, progress=progress)


async def learn_from_directory(
    directory: Path, *, anew: bool = False, progress: Progress = lambda _: None
) -> Model | None:
    """Learn from a data directory and save the model in it; None, and nothing saved, where it holds too little.

    Learning starts from the model that is there, unless `anew` or it cannot be read.
    """
    readers = await Readers.open(directory)
    try:
        model = await learn_from_store(
            readers.store, previous=None if anew else _previous(directory), progress=progress
        )
    finally:
        await readers.close()
    if model is not None:
        save_model(model, directory)
    return model


def _previous(directory: Path) -> Model | None:
    try:
        return load_model(directory)
    except PathModelError:
        return None


def _main(arguments: list[str]) -> int:
    os.nice(NICENESS)
    try:
        asyncio.run(learn_from_directory(Path(arguments[0])))
    except ClewError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
