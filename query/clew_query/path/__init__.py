"""Paths: all lines of a transaction, whatever it is called, and the calls between the services that wrote them."""

from .build import build_path
from .collect import Collected, collect_transaction
from .document import transaction_json
from .gaps import Absent, Around, Gap, find_gaps
from .inference import Inference, Inferred, Link
from .interval import IntervalInference
from .measured import measured_clocks
from .model import Call, Invocation, Path, PathLink, PathSection, ServiceTime

__all__ = [
    "Absent",
    "Around",
    "Call",
    "Collected",
    "Gap",
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
    "find_gaps",
    "measured_clocks",
    "transaction_json",
]
