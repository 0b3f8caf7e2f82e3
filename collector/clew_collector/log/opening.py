"""Which log, and which place for dead letters, the settings mean."""

from __future__ import annotations

import socket

from clew_collector.agents import Agents
from clew_collector.datadir import DataDirectory
from clew_collector.dead_letters import DeadLetters, Desk, SqliteDeadLetters
from clew_collector.settings import CollectorSettings

from .protocol import Log
from .sqlite import SqliteLog

__all__ = ["open_agents", "open_dead_letters", "open_log"]


def client_id() -> str:
    """Return what brokers know this process by."""
    return f"clew-collector-{socket.gethostname()}"


def open_log(settings: CollectorSettings, directory: DataDirectory, desk: Desk, *, position: int) -> Log:
    """Return the log. `position` is the store's, behind which a log without positions of its own goes on counting."""
    if settings.log.kafka is None:
        return SqliteLog.open(directory.log, bytes_max=settings.log_bytes_max)
    # Kafka's client takes 3 MiB and 50 ms to import: only for those who use it.
    from .kafka.log import KafkaLog  # noqa: PLC0415

    return KafkaLog(settings.log.kafka, client_id=client_id(), bury=desk.record, position=position)


def open_dead_letters(settings: CollectorSettings, directory: DataDirectory, *, writable: bool = True) -> DeadLetters:
    """Return where dead letters lie: beside the log."""
    if settings.log.kafka is None:
        return SqliteDeadLetters.open(directory.dead_letters, writable=writable)
    from clew_collector.dead_letters.kafka import KafkaDeadLetters  # noqa: PLC0415

    return KafkaDeadLetters(settings.log.kafka, client_id=client_id())


def open_agents(settings: CollectorSettings, directory: DataDirectory) -> Agents:
    """Return the registry of agents: beside the log."""
    agents_max, files_max = settings.agents_max, settings.ledger_files_max
    if settings.log.kafka is None:
        return Agents.open(directory.state, agents_max=agents_max, files_max=files_max)
    from .kafka.agents import KafkaAgents  # noqa: PLC0415

    return KafkaAgents.follow(settings.log.kafka, client_id=client_id(), agents_max=agents_max, files_max=files_max)
