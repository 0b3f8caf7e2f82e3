"""Waiting for what may never come."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

__all__ = ["readable", "until"]


async def readable(descriptor: int | None, timeout_s: float) -> None:
    """Wait until there is something to read from the descriptor, at most so long; None: just so long."""
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    if descriptor is not None:
        loop.add_reader(descriptor, changed.set)
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), max(0.0, timeout_s))
    finally:
        if descriptor is not None:
            loop.remove_reader(descriptor)


async def until(stop: asyncio.Event, wanted: Coroutine[Any, Any, Any]) -> bool:
    """Wait for `wanted`, at most until stopped; False if stopped."""
    if stop.is_set():
        wanted.close()
        return False
    tasks = {asyncio.ensure_future(wanted), asyncio.ensure_future(stop.wait())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return not stop.is_set()
