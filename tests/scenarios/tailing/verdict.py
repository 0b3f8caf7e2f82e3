"""What became of the lines that a scenario wrote: the exact multiset is the oracle."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

__all__ = ["Delivery", "Tier", "Verdict", "judge"]


class Tier(Enum):
    """What a scenario demands."""

    EXACT = "exact"
    """Every line once, in the order of its file."""
    DOUBLE = "may double"
    """A line may come again, under the event id that it had."""
    LOSE = "may lose"
    """Lines that nobody could have read may be lost, if the tailer says how many bytes it gave up."""


class Delivery(NamedTuple):
    """A line as it arrived."""

    event_id: str
    """Unique to this arrival where a tailer has no ids: then every double is one under another id."""
    line: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of lines."""

    lost: int
    counted: bool
    """The tailer reported as many bytes given up as were lost."""
    repeated: int
    """Came again under the same event id."""
    doubled: int
    """Came again under another one."""
    corrupt: int
    """Nobody wrote them so."""
    disordered: int
    """Came before a line that stands before them in their file."""
    example: str = ""
    """One of the lines that went wrong."""

    def holds(self, tier: Tier) -> bool:
        """Whether this is what the tier demands."""
        whole = not (self.doubled or self.corrupt or self.disordered)
        match tier:
            case Tier.EXACT:
                return whole and not (self.lost or self.repeated)
            case Tier.DOUBLE:
                return whole and not self.lost
            case Tier.LOSE:
                return whole and not self.repeated and (not self.lost or self.counted)

    def __str__(self) -> str:
        counts = {
            "lost" if self.counted or not self.lost else "lost uncounted": self.lost,
            "doubled, same id": self.repeated,
            "doubled": self.doubled,
            "corrupt": self.corrupt,
            "out of order": self.disordered,
        }
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "exact"


def judge(written: Counter[bytes], arrived: Iterable[Delivery], *, bytes_given_up: int) -> Verdict:
    """Compare. A line `NAME NUMBER` is in order if no higher number of its name came before it."""
    lines: dict[str, bytes] = {}
    repeated = corrupt = disordered = 0
    highest: defaultdict[bytes, int] = defaultdict(lambda: -1)
    examples: list[str] = []
    for event_id, line in arrived:
        if event_id in lines:
            repeated += 1
            if lines[event_id] != line:
                corrupt += 1
                examples.append(f"one id for {lines[event_id]!r:.80} and {line!r:.80}")
            continue
        lines[event_id] = line
        name, _, number = line.rpartition(b" ")
        if name and number.isdigit():
            if int(number) < highest[name]:
                disordered += 1
                examples.append(f"too late: {line!r:.80}")
            highest[name] = max(highest[name], int(number))
    once = Counter(lines.values())
    missing, surplus = written - once, once - written
    unknown = sum(count for line, count in surplus.items() if line not in written)
    examples += [f"missing: {line!r:.80}" for line in list(missing)[:3]]
    examples += [f"not written so: {line!r:.80}" for line in surplus if line not in written][:3]
    examples += [f"again: {line!r:.80}" for line in surplus if line in written][:3]
    bytes_missing = sum(count * (len(line) + 1) for line, count in missing.items())
    return Verdict(
        lost=missing.total(),
        counted=bytes_given_up >= bytes_missing > 0,
        repeated=repeated,
        doubled=surplus.total() - unknown,
        corrupt=corrupt + unknown,
        disordered=disordered,
        example="; ".join(examples[:4]),
    )
