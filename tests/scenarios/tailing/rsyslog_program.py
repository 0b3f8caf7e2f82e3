"""rsyslog's imfile for the scenarios, set up for exactness: every message acknowledged (RELP), no queue in memory
between file and receiver, its place in a file written down after every line."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.scenarios.tailing.programs import Options
from tests.scenarios.tailing.relp import RelpReceiver

__all__ = ["RsyslogProgram", "rsyslog_is_here"]

_CONFIG = """
global(workDirectory="{state}" maxMessageSize="{message_max}" parser.escapeControlCharactersOnReceive="off")
module(load="imfile" mode="{mode}" pollingInterval="1")
module(load="omrelp")
template(name="raw" type="list") {{ property(name="msg") }}
ruleset(name="out" queue.type="Direct") {{
  action(type="omrelp" target="127.0.0.1" port="{port}" template="raw" timeout="5"
         action.resumeRetryCount="-1" action.resumeInterval="1" action.resumeIntervalMax="1")
}}
"""
_INPUT = """
input(type="imfile" file="{path}" tag="scenario:" ruleset="out"
      persistStateInterval="1" persistStateAfterSubmission="on" freshStartTail="{tail}"
      reopenOnTruncate="on" discardTruncatedMsg="off")
"""


def rsyslog_is_here() -> str | None:
    """Return the program's path, None if it or its RELP module is not installed."""
    program = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin:/sbin")
    modules = [*Path("/usr/lib").glob("*/rsyslog/omrelp.so"), *Path("/usr/lib").glob("rsyslog/omrelp.so")]
    return program if modules else None


class RsyslogProgram:
    """One rsyslogd with its own configuration and directory."""

    name = "rsyslog"
    patience_s = 12.0
    calm_s = 1.5

    def __init__(self, folder: Path) -> None:
        self._state = folder / "state"
        self._state.mkdir()
        self._config = folder / "rsyslog.conf"
        self._errors = folder / "rsyslog.stderr"
        self._prefix: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self.receiver = RelpReceiver()

    def configure(self, options: Options) -> None:
        config = _CONFIG.format(
            state=self._state,
            mode="polling" if options.polling else "inotify",
            message_max=options.line_bytes_max or 1 << 20,
            port=self.receiver.port,
        )
        inputs = [_INPUT.format(path=path, tail="on" if options.from_end else "off") for path in options.paths]
        self._config.write_text(config + "".join(inputs))
        self._prefix = options.prefix

    def start(self) -> None:
        program = rsyslog_is_here()
        assert program
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [*self._prefix, program, "-n", "-f", str(self._config), "-i", str(self._state / "pid")],
                stderr=errors,
                stdout=errors,
                cwd="/",
            )
        time.sleep(0.5)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def reload(self) -> None:
        """Start it anew: a HUP does not make it read its configuration."""
        self.stop()
        self.start()

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def state_files(self) -> list[str]:
        return [str(path) for path in sorted(self._state.glob("imfile-state:*"))] or [str(self._state / "none")]

    def bytes_given_up(self) -> int:
        return 0

    def close(self) -> None:
        if self.alive():
            self.go_on()
            self.kill()
        self.receiver.down()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        (self._state / "pid").unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
