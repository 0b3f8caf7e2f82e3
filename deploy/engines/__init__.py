"""The real Kafka and the real Elasticsearch on loopback, without containers: for developers, tests and CI."""

from .artifacts import ELASTICSEARCH_VERSION, KAFKA_VERSION, resolve_elasticsearch, resolve_kafka
from .certificate import Certificate
from .elasticsearch import Elasticsearch
from .errors import EngineError, EnginesUnavailable
from .kafka import Kafka
from .running import Running, start_all, stop_all
from .security import Security

__all__ = [
    "ELASTICSEARCH_VERSION",
    "KAFKA_VERSION",
    "Certificate",
    "Elasticsearch",
    "EngineError",
    "EnginesUnavailable",
    "Kafka",
    "Running",
    "Security",
    "resolve_elasticsearch",
    "resolve_kafka",
    "start_all",
    "stop_all",
]
