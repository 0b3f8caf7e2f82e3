"""Where a scenario plays: a folder of log files, a tailer over it, and the book of what was written."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.scenarios.tailing.programs import Options, Program, Receiver
from tests.scenarios.tailing.verdict import Verdict, judge

__all__ = ["Stage"]


class Stage:
    """Writes files and keeps the book. Every line that it makes is another one: `CONTENT NUMBER`."""

    def __init__(self, folder: Path, program: Program, *, files: int = 1, polling: bool = False, full: bool = False):
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.program = program
        self.full = full
        """Play the counts of the requirements, not those for a quick run."""
        self.paths = [self.logs / f"app{i}.log" for i in range(files)]
        self.options = Options(paths=(f"{self.logs}/*.log",), polling=polling)
        self.experienced = False
        """The tailer has run before, on other files."""
        self.written: Counter[bytes] = Counter()
        self.skipped: set[bytes] = set()
        self._contents: defaultdict[str, int] = defaultdict(int)
        self._numbers: defaultdict[str, int] = defaultdict(int)

    @property
    def path(self) -> Path:
        return self.paths[0]

    @property
    def receiver(self) -> Receiver:
        return self.program.receiver

    # Writing

    def lines(self, path: Path, count: int = 1) -> list[bytes]:
        """Return new lines for this file, entered as written."""
        made = []
        for _ in range(count):
            made.append(b"%s/%d %d" % (path.name.encode(), self._contents[path.name], self._numbers[path.name]))
            self._numbers[path.name] += 1
        self.written.update(made)
        return made

    def expect(self, *lines: bytes) -> None:
        """Enter lines that the scenario writes itself."""
        self.written.update(lines)

    def unwrite(self, *lines: bytes) -> None:
        """Take lines out of the book: they are not wanted."""
        self.written.subtract(lines)

    def append(self, path: Path, count: int = 1) -> list[bytes]:
        """Append new lines."""
        made = self.lines(path, count)
        with path.open("ab") as file:
            file.write(b"".join(line + b"\n" for line in made))
        return made

    def append_all(self, count: int = 1) -> None:
        """Append new lines to every file."""
        for path in self.paths:
            self.append(path, count)

    def new_content(self, path: Path) -> None:
        """Lines of this name are of another content from now on: their order to earlier ones does not count."""
        self._contents[path.name] += 1

    def rotate(self, path: Path, name: str | Path) -> Path:
        """Rename the file."""
        target = path.with_name(name) if isinstance(name, str) else name
        path.rename(target)
        self.new_content(path)
        return target

    def copytruncate(self, path: Path, target: Path, *, between: Callable[[], None] | None = None) -> None:
        """Copy the file, then truncate it, as logrotate does."""
        target.write_bytes(path.read_bytes())
        if between:
            between()
        os.truncate(path, 0)
        self.new_content(path)

    # Running

    def configure(self, **changes: object) -> None:
        """Change what is configured; `paths` are relative to the folder of logs."""
        if "paths" in changes:
            changes["paths"] = tuple(f"{self.logs}/{path}" for path in changes["paths"])  # type: ignore[attr-defined]
        self.options = replace(self.options, **changes)  # type: ignore[arg-type]
        self.program.configure(self.options)

    def start(self) -> None:
        self.program.start()

    def stop(self) -> None:
        self.program.stop()

    def kill(self) -> None:
        self.program.kill()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def arrived(self) -> Counter[bytes]:
        """Return the lines that arrived, each event once."""
        return Counter(dict(self.receiver.deliveries()).values())

    def settle(self, *, patience_s: float | None = None) -> bool:
        """Wait until everything written arrived; False if it does not."""
        return self.wait_for(lambda: not self.written - self.arrived(), patience_s=patience_s)

    def wait_for(self, true: Callable[[], bool], *, patience_s: float | None = None) -> bool:
        """Wait until it is true; False if it does not become so."""
        deadline = time.monotonic() + (patience_s or self.program.patience_s)
        while time.monotonic() < deadline:
            if true():
                return True
            time.sleep(0.03)
        return true()

    def finish(self) -> Verdict:
        """Wait for the rest, stop, and judge."""
        self.settle()
        time.sleep(self.program.calm_s)
        alive = self.program.alive()
        if alive:
            self.program.stop()
        verdict = judge(+self.written, self.receiver.deliveries(), bytes_given_up=self.program.bytes_given_up())
        return verdict if alive else replace(verdict, corrupt=verdict.corrupt + 1, example="the tailer had ended")
