"""Stores over a real Elasticsearch, each with indices of its own."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore

__all__ = ["elastic_settings", "elastic_store", "remove_indices", "remove_prefix"]


def elastic_settings(url: str, **settings: Any) -> ElasticsearchSettings:
    """Settings of a store whose names nobody else has."""
    defaults = {"hosts": (url,), "index_prefix": f"test-{uuid4().hex[:12]}", "replicas_initial": 0}
    return ElasticsearchSettings(**(defaults | settings))


def elastic_store(url: str, **settings: Any) -> ElasticsearchStore:
    """A store whose indices nobody else has."""
    return ElasticsearchStore.open(elastic_settings(url, **settings), account="log")


async def remove_indices(store: ElasticsearchStore) -> None:
    """Remove all that a store has made."""
    remove_prefix(store.settings)


def remove_prefix(settings: ElasticsearchSettings) -> None:
    """Remove all that has the settings' names."""
    url, prefix = settings.hosts[0], settings.index_prefix
    for path in (f"{prefix}-*", f"_index_template/{prefix}-events", f"_index_template/{prefix}-state"):
        answer = httpx.delete(f"{url}/{path}", timeout=300)
        assert answer.status_code in {200, 404}, answer.text
