"""From lines to invocations: the lines are replayed as one call stack.

A service is taken to work on one call at a time within a transaction, and to be silent while nobody calls it: when a
caller writes again, what it called has ended; when a service writes its first kind of line again, it was called again
(unless there is nobody who could have called it).
Spans overrule this wherever a line names one. On two real systems without spans this finds the invocations of 94 % (a
deep one) and 16 % (a hub that writes nothing between its calls) of the transactions exactly; learned models do better.
A callee that works on while its caller writes (a queue, a thread of its own) comes out as several invocations.
"""

from __future__ import annotations

from .facts import UNKNOWN, Facts, Stream, stream_of
from .kind import line_kind

__all__ = ["segment"]


def segment(facts: Facts) -> list[int]:
    """Return for each event its invocation, counted from 0 in the order of first lines. Linear."""
    invocation: list[int] = []
    first_kind: list[tuple[str, ...]] = []
    of_group: dict[int, int] = {}
    stack: list[tuple[Stream, int]] = []
    depth: dict[Stream, int] = {}  # where a stream's open invocation is on the stack; it has one at most
    before: Stream | None = None

    def close(height: int) -> None:
        while len(stack) > height:
            del depth[stack.pop()[0]]

    for event, group in zip(facts.events, facts.group, strict=True):
        stream = stream_of(event)
        height = depth.get(stream)
        if group != UNKNOWN and group in of_group:
            number = of_group[group]
            if height is not None and stack[height][1] == number:
                close(height + 1)
        else:
            kind = line_kind(event)
            joins = (
                height is not None
                and (kind != first_kind[stack[height][1]] or (height == 0 and group == UNKNOWN))
                and (group == UNKNOWN or before == stream)  # another span after a call out: another call in
            )
            if height is not None:
                close(height + 1 if joins else height)
            if not joins:
                depth[stream] = len(stack)
                stack.append((stream, len(first_kind)))
                first_kind.append(kind)
            number = stack[-1][1]
            if group != UNKNOWN:
                of_group[group] = number
        invocation.append(number)
        before = stream
    return invocation
