"""The seam to receivers, and the webhook: build the request, send it, judge the answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import httpx
import msgspec

from .notification import Notification
from .rule import Webhook

__all__ = ["Notifier", "Outcome", "Result", "WebhookNotifier", "judge"]

ANSWER_CHARACTERS_MAX = 200
REFUSED = frozenset({400, 405, 413, 415, 422})
"""The receiver understood and will never take this body. Everything else may be mended by the operator meanwhile."""


class Result(Enum):
    """What became of an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An attempt's result, and for those that failed the reason in words."""

    result: Result
    reason: str = ""
    retry_after_s: float | None = None
    """What the receiver asked for."""


class Notifier(Protocol):
    """Tells one receiver. Implementations: webhook (others later)."""

    async def send(self, notification: Notification) -> Outcome:
        """Try once. Does not raise for what a receiver or a network may do."""

    async def close(self) -> None:
        """Free connections."""


class WebhookNotifier:
    """POSTs the notification as JSON with its id in `Idempotency-Key`, as draft-ietf-httpapi-idempotency-key has it."""

    def __init__(self, webhook: Webhook, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = webhook.url
        # A webhook is reached as its address says: proxies of the environment are for people's browsers.
        self._client = httpx.AsyncClient(
            transport=transport, timeout=webhook.timeout, headers=webhook.headers, trust_env=False
        )

    async def send(self, notification: Notification) -> Outcome:
        """POST once."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": notification.notification_id}
        try:
            answer = await self._client.post(self._url, content=msgspec.json.encode(notification), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Outcome(Result.RETRY, f"{type(error).__name__}: {error}")
        return judge(answer.status_code, answer.headers.get("Retry-After", ""), answer.text)

    async def close(self) -> None:
        """Free connections."""
        await self._client.aclose()


def judge(status: int, retry_after: str, text: str) -> Outcome:
    """Return what an answer means; `retry_after` counts when it is in seconds (RFC 9110, section 10.2.3)."""
    if 200 <= status < 300:
        return Outcome(Result.DELIVERED)
    reason = f"answered {status}: {text[:ANSWER_CHARACTERS_MAX].strip()}".rstrip(": ")
    if status in REFUSED:
        return Outcome(Result.REFUSED, reason)
    return Outcome(Result.RETRY, reason, float(retry_after) if retry_after.isdecimal() else None)
