"""The engine's failures as ours: what it raises becomes a StoreError that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clew_collector.errors import StoreError

__all__ = ["store_failures"]

_HINTS = {
    "No space left": "free some space; Clew goes on by itself from the last commit",
    "File too large": "raise the limit on file sizes; Clew goes on by itself from the last commit",
    "LockBusy": "another process writes this store: stop it, or open the store for reading",
    "Lockfile": "another process writes this store: stop it, or open the store for reading",
    "Permission denied": "give Clew's user the right to this directory",
    "ermission": "give Clew's user the right to this directory",
}
_DAMAGED = "if this stays, stop Clew, move the index away and rebuild it from the log with `clew replay`"


@contextmanager
def store_failures(what: str) -> Iterator[None]:
    """Raise StoreError `what: why` for what the engine raises in this block (ValueError, OSError and its panics)."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise _failure(what, error) from error
    except BaseException as error:
        # A panic in Rust is no Exception, so that nobody catches it by mistake. Here it means a damaged index.
        if type(error).__name__ != "PanicException":
            raise
        raise _failure(what, error) from error


def _failure(what: str, error: BaseException) -> StoreError:
    text = str(error)
    hint = next((hint for sign, hint in _HINTS.items() if sign in text), _DAMAGED)
    return StoreError(f"{what}: {text}", hint=hint)
