"""Shipping: works off a queue, in a process of its own, after the customer has the answer.

Its log is what a container runtime keeps of it: Docker's json-file, one envelope a line.
The consumer is huey's own command: `huey_consumer clew_query.demo.services.shipping.huey`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from datetime import UTC, datetime

from huey import SqliteHuey
from opentelemetry.trace import SpanKind

from clew_query.demo.services import HANDED_OVER
from clew_query.demo.services.tracing import continued, current_ids

__all__ = ["huey", "ship"]

PACKING_TAKES_S = 0.002


class DockerJsonFile(logging.Formatter):
    """Writes what Docker's json-file driver writes: https://docs.docker.com/engine/logging/drivers/json-file/."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        ids = " ".join(f"{name}={value}" for name, value in current_ids().items())
        line = f"{record.levelname} shipping {ids} {record.getMessage()}\n"
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        at = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
        return json.dumps({"log": line, "stream": "stdout", "time": at}, separators=(",", ":"))


handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(DockerJsonFile())
log = logging.getLogger("shipping")
log.addHandler(handler)
log.setLevel(logging.INFO)
log.propagate = False

huey = SqliteHuey("shipping", filename=os.environ["QUEUE_FILE"], results=False)


@huey.task()  # type: ignore[untyped-decorator] # huey has no types
def ship(order: str, headers: dict[str, str]) -> None:
    """Pack the parcel of an order; `headers` carry the trace over the queue."""
    with continued("ship", headers, SpanKind.CONSUMER):
        log.info("packing order %s", order)
        time.sleep(PACKING_TAKES_S)
        log.info("%s to the carrier, order %s", HANDED_OVER, order)
