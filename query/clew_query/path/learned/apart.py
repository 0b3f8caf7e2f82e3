"""Learning by a process of its own: `python -m clew_query.path.learned.apart DIR NICENESS` leaves a model there.

Learning takes a core for seconds and memory that is never given back: who answers questions has it done apart. The
process ends with the one that started it, whose end closes its standard input.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

import structlog

from clew_agent.errors import ClewError
from clew_collector.service import Readers
from clew_collector.store.protocol import Store
from clew_query.errors import PathModelError

from .learning import Progress, learn
from .model import Model
from .sampling import sample_transactions
from .saved import load_model, save_model

__all__ = ["TRANSACTIONS_MIN", "learn_apart", "learn_from_directory", "learn_from_store"]

LEARNING_S_MAX = 600.0
TRANSACTIONS_MIN = 5
"""Fewer tell nothing: nesting and order are as good."""

_log = structlog.get_logger(__name__)


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


async def learn_apart(directory: Path, *, niceness: int = 0) -> None:
    """Have a process learn from a data directory; what goes wrong is logged, as paths can be read without a model."""
    command = [sys.executable, "-m", __name__, str(directory), str(niceness)]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(LEARNING_S_MAX):
            errors = await process.stderr.read()
            await process.wait()
    except TimeoutError:
        _log.warning("Learning paths took too long and was ended.", limit_s=LEARNING_S_MAX)
        return
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        _log.warning("Learning paths failed.", reason=errors.decode(errors="replace")[-500:].strip())
    else:
        _log.info("A path model was learned.")


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _main(arguments: list[str]) -> int:
    os.nice(int(arguments[1]))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        asyncio.run(learn_from_directory(Path(arguments[0])))
    except ClewError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
