"""Work without the collector of cyclic garbage, for what makes millions of small values and no cycles.

It would walk all of them again and again and free nothing: half of the time of learning from disordered lines.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector from running by itself meanwhile, in the whole process; leave it as it was."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
