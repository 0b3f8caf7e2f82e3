"""What a receiver is told: the body of a webhook, with an id that stays the same however often it is sent."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID, uuid5

import msgspec

from clew_query.times import format_time

from .decide import Transition
from .rule import Rule

__all__ = ["AlertKey", "Notification", "notification_of"]

# A fixed random namespace: ids of the same transition are the same in every run.
_NAMESPACE = UUID("0d4f4a35-6c8e-4a2b-9f60-7a8f0b1c5d21")


class AlertKey(NamedTuple):
    """Which alert: a rule, the field that it groups by, and the group."""

    rule: str
    group_by: str
    group: str


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One fire or one resolve. Times are RFC 3339 with nine digits; docs/alerts.md describes each field."""

    notification_id: str
    """The same for every attempt and every webhook: a receiver that has it already drops the repeat."""
    rule: str
    group_by: str
    group: str
    service: str
    """The group where the rule groups by service, else empty."""
    status: str
    """`firing` or `resolved`."""
    value: float | None
    """Share of errors when it was last measured with enough events."""
    threshold: float | None
    recovery: float | None
    events: int | None
    errors: int | None
    window_start: str | None
    window_end: str | None
    starts_at: str
    ends_at: str | None
    reason: str
    """Why it ended, where it was not by recovery."""
    link: str
    """The page that shows these errors, empty when the server does not know its address."""


def notification_of(transition: Transition, key: AlertKey, rule: Rule | None, *, base_url: str = "") -> Notification:
    """Return what to tell; `rule` is None when it is gone, `base_url` is where people reach the page."""
    measured = transition.measurement
    identity = f"{key.rule}\0{key.group_by}\0{key.group}\0{transition.starts_at}\0{transition.status}"
    return Notification(
        notification_id=str(uuid5(_NAMESPACE, identity)),
        rule=key.rule,
        group_by=key.group_by,
        group=key.group,
        service=key.group if key.group_by == "service" else "",
        status=transition.status.value,
        value=measured.share if measured else None,
        threshold=rule.threshold if rule else None,
        recovery=rule.recovery_share if rule else None,
        events=measured.events if measured else None,
        errors=measured.errors if measured else None,
        window_start=format_time(measured.start) if measured else None,
        window_end=format_time(measured.end) if measured else None,
        starts_at=format_time(transition.starts_at),
        ends_at=None if transition.ends_at is None else format_time(transition.ends_at),
        reason=transition.reason,
        link=_link(transition, key, rule, base_url) if base_url else "",
    )


def _link(transition: Transition, key: AlertKey, rule: Rule | None, base_url: str) -> str:
    quoted = key.group.replace("\\", "\\\\").replace('"', '\\"')
    parts = [f"({text})" for text in ((rule.query, rule.errors) if rule else ()) if text.strip()]
    query = {"query": " AND ".join([f'{key.group_by}:"{quoted}"', *parts])}
    if measured := transition.measurement:
        query |= {"from": format_time(measured.start), "to": format_time(measured.end)}
    return f"{base_url.rstrip('/')}/?{urlencode(query)}"
