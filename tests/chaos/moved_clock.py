"""`python moved_clock.py FILE PYTHON -m MODULE ...`: run the module with its clock ahead by the seconds in the file."""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    ahead_ns = int(Path(sys.argv[1]).read_text()) * 10**9
    real_time_ns, real_time = time.time_ns, time.time
    time.time_ns = lambda: real_time_ns() + ahead_ns
    time.time = lambda: real_time() + ahead_ns / 1e9
    module = sys.argv[4]
    sys.argv = [module, *sys.argv[5:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
