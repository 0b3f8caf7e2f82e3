"""What a tailer must be able to do for the scenarios: to run another one through them, write one of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from tests.scenarios.tailing.verdict import Delivery

__all__ = ["Behaviour", "Options", "Program", "Receiver"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a scenario wants configured. A tailer takes what it knows of it."""

    paths: tuple[str, ...]
    polling: bool = False
    """Without inotify."""
    from_end: bool = False
    """Files that are there at the first start are read from their end."""
    open_files_max: int = 0
    line_bytes_max: int = 0
    encoding: str = ""
    join_parts: str = ""
    prefix: tuple[str, ...] = ()
    """Put before the command: `prlimit`, `unshare`."""


class Behaviour(Enum):
    """How a receiver answers."""

    TAKE = "take"
    UNAVAILABLE = "unavailable"
    """Says that it cannot now."""
    FORGET_TO_SAY = "forget to say"
    """Takes the lines, and says that it cannot."""
    SLOW = "slow"
    """Takes one request at a time, with a pause before each answer."""


class Receiver(Protocol):
    """Where lines go: listens at one place, can be away, can behave badly."""

    behaviour: Behaviour
    refuses: Callable[[bytes], bool]
    """Lines that it will never take."""

    def deliveries(self) -> list[Delivery]:
        """Return everything that arrived, in order."""

    def requests(self) -> int:
        """Return how often anything came."""

    def up(self) -> None:
        """Listen."""

    def down(self) -> None:
        """Stop listening, and cut what is connected."""


class Program(Protocol):
    """One installation of a tailer with its receiver."""

    name: str
    receiver: Receiver
    patience_s: float
    """How long lines may take before they count as lost."""
    calm_s: float
    """How long after the last line a double could still come."""

    def configure(self, options: Options) -> None:
        """Write the configuration."""

    def start(self) -> None:
        """Run it."""

    def stop(self) -> None:
        """Ask it to end, and wait for that."""

    def kill(self) -> None:
        """kill -9."""

    def pause(self) -> None:
        """SIGSTOP."""

    def go_on(self) -> None:
        """SIGCONT."""

    def reload(self) -> None:
        """Have it read its configuration again."""

    def alive(self) -> bool:
        """Whether it runs."""

    def state_files(self) -> list[str]:
        """Return the paths of what it remembers by, newest copy first."""

    def bytes_given_up(self) -> int:
        """Return how many bytes it says it lost."""

    def close(self) -> None:
        """End everything."""
