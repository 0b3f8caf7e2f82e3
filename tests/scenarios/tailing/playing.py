"""Playing one scenario with one tailer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Importing the modules enters their scenarios.
from tests.scenarios.tailing import content, finding, process, receiving, rotation  # noqa: F401
from tests.scenarios.tailing.catalogue import Scenario
from tests.scenarios.tailing.programs import Program
from tests.scenarios.tailing.stage import Stage
from tests.scenarios.tailing.verdict import Verdict

__all__ = ["Variant", "play"]


@dataclass(frozen=True, slots=True)
class Variant:
    """How a scenario is played."""

    polling: bool
    experienced: bool
    """The tailer has run before, on other files."""
    files: int


def play(
    scenario: Scenario, make: Callable[[Path], Program], variant: Variant, folder: Path, *, full: bool = False
) -> Verdict:
    """Play it in an empty folder, and judge."""
    program = make(folder)
    try:
        stage = Stage(folder, program, files=variant.files, polling=variant.polling, full=full)
        stage.configure()
        stage.experienced = variant.experienced
        if variant.experienced:
            stage.append(stage.logs / "before.log", 5)
            stage.start()
            stage.settle()
            stage.stop()
        scenario.play(stage)
        return stage.finish()
    finally:
        program.close()
