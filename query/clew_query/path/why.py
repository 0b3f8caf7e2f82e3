"""Why is this edge here: one sentence for people."""

from __future__ import annotations

from .model import Call

__all__ = ["why"]

_DEGREES = ((0.95, "almost certainly"), (0.8, "very probably"), (0.6, "probably"), (0.0, "possibly"))


def why(call: Call) -> str:
    """Return who called whom, how sure that is, and on what grounds."""
    sure = "certainly"
    if call.probability < 1:
        degree = next(word for least, word in _DEGREES if call.probability >= least)
        sure = f"{degree} (p {min(call.probability, 0.99):.2f})"
    callee = call.to_service or "a service that is not here"
    times = f" {call.count} times" if call.count > 1 else ""
    if call.parent is None:
        said = f"{callee} was {sure} called from outside"
    elif call.kind == "async":
        said = f"{call.from_service or 'a service that is not here'} {sure} made {callee} work{times} without waiting"
    else:
        said = f"{call.from_service or 'a service that is not here'} {sure} called {callee}{times} and waited"
    return f"{said}: {', and '.join(call.evidence) or 'nothing speaks against it'}."
