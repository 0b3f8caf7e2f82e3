"""Durations as people read them: three significant digits and the unit that fits."""

from __future__ import annotations

__all__ = ["show_duration", "show_offset"]

_UNITS = ((86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"),
          (1_000_000, "ms"), (1_000, "µs"))  # fmt: skip


def show_duration(nanoseconds: int) -> str:
    """Return `341 ms`, `12.3 ms`, `2.31 s`; `0 ms` for none."""
    if nanoseconds < 0:
        return f"-{show_duration(-nanoseconds)}"
    for size, unit in _UNITS:
        if nanoseconds >= size:
            value = nanoseconds / size
            digits = 2 if value < 10 else 1 if value < 100 else 0
            return f"{value:.{digits}f}".rstrip("0").rstrip(".") + f" {unit}" if digits else f"{value:.0f} {unit}"
    return f"{nanoseconds} ns" if nanoseconds else "0 ms"


def show_offset(nanoseconds: int) -> str:
    """Return how long after the beginning: `+12.3 ms`."""
    return show_duration(nanoseconds) if nanoseconds < 0 else f"+{show_duration(nanoseconds)}"
