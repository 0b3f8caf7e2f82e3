"""The model in use: read from the data directory whenever it was replaced there, and learned anew now and then."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic

import structlog

from clew_query.errors import PathModelError
from clew_query.path.clock import Prior
from clew_query.path.facts import Facts
from clew_query.path.inference import Inferred
from clew_query.path.interval import IntervalInference

from .apart import learn_apart
from .inference import LearnedInference
from .model import Model
from .saved import MODEL_FILE, load_model

__all__ = ["PathModelKeeper"]

LOOK_INTERVAL_S = 2.0
NICENESS = 19
"""Learning must never hold up an answer."""

_log = structlog.get_logger(__name__)


class PathModelKeeper:
    """The inference that the newest model makes, or the one that needs no model. Cheap to ask."""

    def __init__(
        self, directory: Path | None, model: Model | None = None, *, look_interval_s: float = LOOK_INTERVAL_S
    ) -> None:
        self._directory = directory
        self._look_interval_s = look_interval_s
        self._seen: tuple[int, int] | None = None
        self._looked_s = float("-inf")
        self._inference = None if model is None else LearnedInference(model)

    @property
    def model(self) -> Model | None:
        """The model in use, None where nothing was learned yet."""
        self._refresh()
        return None if self._inference is None else self._inference.model

    def infer(self, facts: Facts) -> Inferred:
        """Return what the newest model says, without one what nesting and order say."""
        self._refresh()
        return (self._inference or IntervalInference()).infer(facts)

    def clocks(self) -> dict[str, Prior]:
        """Return what was learned of hosts' clocks."""
        model = self.model
        return {} if model is None else model.clocks()

    def _refresh(self) -> None:
        if self._directory is not None and monotonic() - self._looked_s >= self._look_interval_s:
            self._looked_s = monotonic()
            self._look(self._directory)

    def _look(self, directory: Path) -> None:
        try:
            status = (directory / MODEL_FILE).stat()
        except OSError:
            return
        version = status.st_mtime_ns, status.st_size
        if version == self._seen:
            return
        self._seen = version
        try:
            model = load_model(directory)
        except PathModelError as error:
            # Paths are read with the model before, or with none: a damaged model must not take answers away.
            _log.warning("The path model cannot be used.", reason=error.message, hint=error.hint)
            return
        if model is not None:
            self._inference = LearnedInference(model)

    async def learn_now_and_then(self, first_wait_s: float, interval_s: float) -> None:
        """Have a model learned from what the data directory holds, until cancelled."""
        wait_s = first_wait_s
        while self._directory is not None:
            await asyncio.sleep(wait_s)
            wait_s = interval_s
            await learn_apart(self._directory, niceness=NICENESS)
