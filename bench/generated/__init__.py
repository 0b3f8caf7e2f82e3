"""Systems made up, with known truth: the demo's shop scaled up to hundreds of services.

`features` says what a system does, `blueprint` draws one, `play` lets transactions run through it. A transaction
depends on the seed and its number alone; turning a feature off leaves the calls as they were drawn, so that two runs
that differ in one feature compare that feature.
"""

from .blueprint import Blueprint, draw
from .features import EVERYTHING, NOTHING, Features
from .play import Played, play

__all__ = ["EVERYTHING", "NOTHING", "Blueprint", "Features", "Played", "draw", "play"]
