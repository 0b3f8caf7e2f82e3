"""docs/openapi.json: the whole HTTP surface of `clew up`, ingest included, described without running any of it."""

from __future__ import annotations

import json
from pathlib import Path

from opentelemetry.metrics import NoOpMeterProvider

from clew_agent.metrics import Metrics
from clew_collector.agents import Agents
from clew_collector.ingest import ingest_router
from clew_collector.log.memory import MemoryLog
from clew_collector.normalise import Normaliser
from clew_collector.service import Collector
from clew_collector.settings import CollectorSettings
from clew_collector.store.memory import MemoryStore

from .api import create_app
from .backend import Backend

__all__ = ["openapi_text"]


def openapi_text() -> str:
    """Return the file's text: JSON, one key a line, so that a change shows as what it is."""
    collector = Collector(
        settings=CollectorSettings(data=Path("clew-data")),
        metrics=Metrics(NoOpMeterProvider().get_meter("clew")),
        log=MemoryLog(),
        store=MemoryStore(),
        agents=Agents.in_memory(),
        normaliser=Normaliser(),
    )
    app = create_app(Backend.of_collector(collector), routers=(ingest_router(collector),))
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"
