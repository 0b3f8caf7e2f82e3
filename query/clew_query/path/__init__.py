"""Paths: all lines of a transaction, whatever it is called, and the calls between the services that wrote them."""

from .build import build_path
from .collect import Collected, collect_transaction
from .document import transaction_json
from .inference import Inference, Inferred, Link
from .interval import IntervalInference
from .model import Call, Invocation, Path, PathLink, PathSection, ServiceTime

__all__ = [
    "Call",
    "Collected",
    "Inference",
    "Inferred",
    "IntervalInference",
    "Invocation",
    "Link",
    "Path",
    "PathLink",
    "PathSection",
    "ServiceTime",
    "build_path",
    "collect_transaction",
    "transaction_json",
]
