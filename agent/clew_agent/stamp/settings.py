"""What an operator may say about the ids in the lines."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from clew_agent.settings import Settings

__all__ = ["StampSettings"]

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]


class StampSettings(Settings):
    """How lines get their transaction ids."""

    alias_keys: tuple[Key, ...] = ()
    """More names of request ids, beside the built-in ones: `order_number` finds `order_number=...`,
    `"order_number": "..."` and `order_number: ...`, in any case."""
