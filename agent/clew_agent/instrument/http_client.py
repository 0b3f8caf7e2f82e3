"""HTTP calls take the hop along."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .context import carry

if TYPE_CHECKING:
    import httpx

__all__ = ["propagate_calls"]

Client = TypeVar("Client", "httpx.Client", "httpx.AsyncClient")


def propagate_calls(client: Client) -> Client:
    """Make an httpx client send the hop's headers with every request, and return it.

    Headers that a request has already stay. For other clients: `headers=carry()` with each request.
    """
    import httpx  # noqa: PLC0415 - who has a client has the library; the agent needs none

    if isinstance(client, httpx.AsyncClient):
        client.event_hooks = {**client.event_hooks, "request": [*client.event_hooks["request"], _add_later]}
    else:
        client.event_hooks = {**client.event_hooks, "request": [*client.event_hooks["request"], _add]}
    return client


def _add(request: httpx.Request) -> None:
    for name, value in carry().items():
        request.headers.setdefault(name, value)


async def _add_later(request: httpx.Request) -> None:
    _add(request)
