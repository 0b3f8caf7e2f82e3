"""What a made-up system does beyond one call after the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

__all__ = ["EVERYTHING", "NOTHING", "Features"]


@dataclass(frozen=True)
class Features:
    """Probabilities, and how many pods a service has."""

    fan_out: float = 0.0
    """Of a call to be made for each of two to five things."""
    parallel: float = 0.0
    """Of an operation's calls to be made all at once."""
    pool: float = 0.0
    """Of an operation's calls to be made by two threads; and of one to leave work to a thread that goes on after it."""
    retry: float = 0.0
    """Of a call to need a second attempt now and then: the first failed, or still works when nobody waits for it."""
    cache: float = 0.0
    """Of a call to be left out every other time."""
    queue: float = 0.0
    """Of a call to be a message that somebody works on later."""
    callback: float = 0.0
    """Of a call to be answered at once, worked on later, and reported by a call back."""
    pods: int = 1
    """Of each service; every call goes to any of them."""

    def without(self, name: str) -> Features:
        """Return all of this but one feature."""
        return replace(self, **{name: getattr(NOTHING, name)})

    def only(self, name: str) -> Features:
        """Return nothing but one feature of this."""
        return replace(NOTHING, **{name: getattr(self, name)})

    @staticmethod
    def names() -> list[str]:
        """Return what can be turned off."""
        return [field.name for field in fields(Features)]

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items())


NOTHING = Features()
EVERYTHING = Features(fan_out=0.1, parallel=0.2, pool=0.1, retry=0.15, cache=0.15, queue=0.1, callback=0.05, pods=3)
