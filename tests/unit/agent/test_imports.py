"""What the agent imports before it knows what it needs."""

from __future__ import annotations

import subprocess
import sys


def test_kafkas_client_is_imported_only_by_who_uses_it() -> None:
    program = "import sys, clew_agent.commands, clew_agent.transport; print('aiokafka' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
