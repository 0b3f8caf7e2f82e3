"""How often every file is looked at and told of: following must cost what is written, not what is there."""

from __future__ import annotations

__all__ = ["ScanPace", "report_pause_s"]

# Names may change all the time in a busy directory; searching the globs more often than this helps nobody.
_PAUSE_S = 0.1
# Looking at every file, and telling of every file, may each take so much of a core, and more while names change.
_SHARE = 0.01
_SHARE_WHILE_NAMES_CHANGE = 0.1


def report_pause_s(cpu_s: float, interval_s: float) -> float:
    """Return how long after a report that took so much of a core the next is due; the settings ask for `interval_s`."""
    return max(interval_s, cpu_s / _SHARE)


class ScanPace:
    """Knows what the last scan took, and says how long to wait for the next."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        """Of the last scan."""

    def pause_s(self, interval_s: float, *, names_changed: bool) -> float:
        """Return how long after the last scan the next is due; `interval_s` is what the settings ask for."""
        if names_changed:
            return min(max(_PAUSE_S, self.cpu_s / _SHARE_WHILE_NAMES_CHANGE), interval_s)
        return max(interval_s, self.cpu_s / _SHARE)
