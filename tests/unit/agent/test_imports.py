"""What the agent imports before it knows what it needs."""

from __future__ import annotations

import subprocess
import sys


def test_an_agent_does_without_what_draws() -> None:
    program = "import sys, clew_agent.cli, clew_agent.pipeline, clew_agent.config; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_kafkas_client_is_imported_only_by_who_uses_it() -> None:
    program = "import sys, clew_agent.commands, clew_agent.transport; print('aiokafka' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
