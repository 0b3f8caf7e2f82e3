"""`clew up`: agent, collector and query side on one machine, in one process tree."""

from .account import Account
from .server import OnceOutcome, run_once, run_up
from .settings import UpSettings

__all__ = ["Account", "OnceOutcome", "UpSettings", "run_once", "run_up"]
