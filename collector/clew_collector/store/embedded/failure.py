"""The engine's failures as ours: what it raises becomes a StoreError that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clew_collector.errors import StoreError

__all__ = ["WHEN_READING", "WHEN_WRITING", "store_failures"]

WHEN_READING = "if this stays, stop Clew, move the index away and rebuild it from the log with `clew replay`"
# A writer's thread that fails does not tell the caller why; it is the disk unless the engine is broken.
WHEN_WRITING = "see whether the disk is full or faulty; Clew goes on by itself from the last commit"
_SIGNS = {
    "No space left": "free some space on the disk; Clew goes on by itself from the last commit",
    "LockBusy": "another process writes this store: stop it, or open the store for reading",
    "Permission denied": "give Clew's user the right to this directory",
}


@contextmanager
def store_failures(what: str, hint: str = WHEN_READING) -> Iterator[None]:
    """Raise StoreError `what: why` for what the engine raises in this block (ValueError, OSError and its panics).

    `hint` stands where the failure itself does not say what to do.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        raise _failure(what, hint, error) from error
    except BaseException as error:
        # A panic in Rust is no Exception, so that nobody catches it by mistake. Here it is a failure like the others.
        if type(error).__name__ != "PanicException":
            raise
        raise _failure(what, hint, error) from error


def _failure(what: str, hint: str, error: BaseException) -> StoreError:
    text = str(error)
    return StoreError(f"{what}: {text}", hint=next((told for sign, told in _SIGNS.items() if sign in text), hint))
