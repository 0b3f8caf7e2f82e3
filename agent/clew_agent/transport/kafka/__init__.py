"""The agent's way through Kafka. Importing this imports Kafka's client: only who has a `kafka://` server does."""

from .transport import KafkaTransport

__all__ = ["KafkaTransport"]
