"""`clew up`: agent, collector and query side on one machine, in one process tree."""

from clew_query.up.account import Account
from clew_query.up.server import run_up
from clew_query.up.settings import UpSettings

__all__ = ["Account", "UpSettings", "run_up"]
