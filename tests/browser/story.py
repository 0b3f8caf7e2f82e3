"""What the page is shown: a shop's requests over ten minutes, one of which fails deep inside, and a hostile one."""

from __future__ import annotations

import hashlib
import random
from typing import Any

from clew_agent.wire import map_alias
from clew_collector.event import Event

START = 1_795_500_000_000_000_000  # 2026-11-24T06:00:00Z
FAILED = "4bf92f3577b34da6a3ce929d0e0e4736"
FAILED_REQUEST = "req-5077"
FAILURE = "card declined: insufficient funds (issuer code 51)"
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
HOSTILE_ALIAS = "\"'><svg onload=window.hacked=1>/../%2e"

_SEVERITY = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}


class Writer:
    """Writes lines of services into files of their own; offsets and ids follow."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._offsets: dict[str, int] = {}

    def line(
        self, service: str, at_ms: float, body: str, transaction: str, *, level: str = "INFO", **fields: Any
    ) -> None:
        offset = self._offsets.get(service, 0)
        time = START + round(at_ms * 1_000_000)
        file_id = hashlib.sha256(service.encode()).hexdigest()[:20]
        original = f"{level} {body}".encode()
        self._offsets[service] = offset + len(original) + 1
        given: dict[str, Any] = {
            "event_id": f"{file_id}{offset:012x}",
            "timestamp": time,
            "observed_timestamp": time + 40_000_000,
            "severity_number": _SEVERITY[level],
            "severity_text": level,
            "service": service,
            "host": f"node-{len(service) % 3 + 1}",
            "source": f"/var/log/{service}.log",
            "offset": offset,
            "length": len(original) + 1,
            "transaction_id": transaction,
            "transaction_origin": "line",
            "body": body,
            "original": original,
        }
        self.events.append(Event(**{**given, **fields}))


def _request(writer: Writer, at: float, transaction: str, number: int, chance: random.Random, *, fails: bool) -> None:
    """gateway -> orders (by span) -> inventory, payment (inferred); mail through a queue when it went well."""

    def line(service: str, after: float, body: str, **fields: Any) -> None:
        writer.line(service, at + after, body, transaction, **fields)

    alias = {"aliases": (f"req-{number}",)}
    gateway, orders = ({"span_id": f"{number:08x}{part:08x}"} for part in (1, 2))
    called = {**orders, "parent_span_id": gateway["span_id"]}
    slow = chance.uniform(20, 60)
    line(
        "gateway",
        0,
        "POST /checkout",
        attributes={"route": "/checkout"},
        **alias,
        **gateway,
    )
    line("orders", 2.1, f"creating order {number}", **alias, **called)
    line("inventory", 4, "reserve 3 items", level="DEBUG")
    line("inventory", 19.25, "reserved", level="DEBUG")
    line("orders", 20, "calling payment", attributes={"url": "http://payment:8080/charge", "attempt": 1}, **called)
    line("payment", 22, "charge 12.30 EUR", attributes={"amount": 12.3, "currency": "EUR"})
    if fails:
        line("payment", 22 + slow * 6, FAILURE, level="ERROR", attributes={"status": 402, "issuer_code": 51})
        line("orders", 30 + slow * 6, "payment failed: 402", level="ERROR", **called)
        line("gateway", 34 + slow * 6, "500 POST /checkout", level="WARN", **alias, **gateway)
        return
    if chance.random() < 0.2:
        line("payment", 22 + slow / 2, "issuer answers slowly", level="WARN")
    line("payment", 22 + slow, "charged", attributes={"status": 200})
    line("orders", 26 + slow, f"order {number} placed", **called)
    line("gateway", 30 + slow, "201 POST /checkout", attributes={"status": 201}, **alias, **gateway)
    line("mail", 120 + slow, f"confirmation of order {number} sent")


def tell() -> list[Event]:
    """Return the events of all requests, in order of writing."""
    writer, chance = Writer(), random.Random(20_261_124)
    for number in range(5000, 5120):
        failed = number == 5077
        transaction = FAILED if failed else f"{chance.getrandbits(128):032x}"
        at = (number - 5000) * 5_000 + chance.uniform(0, 3_000)
        _request(writer, at, transaction, number, chance, fails=failed or chance.random() < 0.06)
    writer.line(
        HOSTILE,
        610_000,
        HOSTILE,
        map_alias(HOSTILE_ALIAS),
        level="ERROR",
        transaction_origin="alias",
        aliases=(HOSTILE_ALIAS,),
        attributes={HOSTILE: HOSTILE},
        host=HOSTILE,
        source=HOSTILE,
        original=HOSTILE.encode(),
    )
    return writer.events
