"""How Clew's programs meet Kafka: the address, the way in, the topics, and what failures mean. Imports no client."""

from .address import KafkaAddress
from .settings import KafkaSettings
from .topics import FORMAT_HEADER, Format, Topics

__all__ = ["FORMAT_HEADER", "Format", "KafkaAddress", "KafkaSettings", "Topics"]
