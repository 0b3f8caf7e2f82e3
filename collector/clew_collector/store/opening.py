"""Which store the settings name, opened."""

from __future__ import annotations

from pathlib import Path

from clew_agent.metrics import Metrics
from clew_agent.settings import Settings

from .elasticsearch import ElasticsearchSettings, ElasticsearchStore
from .embedded import EmbeddedStore
from .protocol import Store

__all__ = ["StoreSettings", "open_store"]


class StoreSettings(Settings):
    """Where events are kept: in the data directory, unless a cluster is named."""

    elasticsearch: ElasticsearchSettings | None = None
    """Elasticsearch, for several collectors and more than one machine can hold."""


def open_store(
    settings: StoreSettings,
    folder: Path,
    *,
    account: str | None = None,
    metrics: Metrics | None = None,
    writable: bool,
) -> Store:
    """Return the store; `folder` is the embedded one's.

    `account` names the log whose position the store keeps; None where the log keeps it (see `ElasticsearchStore`).
    StoreError when an index is damaged. A cluster is not asked yet: it may be away when a collector starts.
    """
    if settings.elasticsearch is not None:
        return ElasticsearchStore.open(settings.elasticsearch, account=account, metrics=metrics)
    return EmbeddedStore.open(folder, writable=writable)
