"""Where a cluster is, as settings write it: `kafka://HOST:PORT[,HOST:PORT]...[/PREFIX]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from .topics import PREFIX, Topics

__all__ = ["KafkaAddress"]

SCHEME = "kafka://"
PORT = 9092
_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
# Kafka's own rule for names of topics (org.apache.kafka.common.internals.Topic), with room for what we append.
_PREFIX = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Some of a cluster's brokers, from which clients learn of the others, and what our topics' names begin with."""

    servers: tuple[str, ...]
    """`HOST:PORT` each."""
    prefix: str = PREFIX

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address in a URL; ValueError that says how it is written."""
        brokers, _, prefix = url.removeprefix(SCHEME).partition("/")
        found = [_SERVER.fullmatch(broker.strip()) for broker in brokers.split(",")]
        if not url.startswith(SCHEME) or not all(found):
            raise ValueError("must be written kafka://HOST:PORT[,HOST:PORT]...[/PREFIX]")
        servers = tuple(f"{match['host']}:{match['port'] or PORT}" for match in found if match)
        if any(int(server.rpartition(":")[2]) >= 1 << 16 for server in servers):
            raise ValueError("names a port above 65535")
        if prefix and not _PREFIX.fullmatch(prefix):
            raise ValueError(f"has the prefix {prefix!r}, which cannot begin the name of a topic")
        return cls(servers, prefix or PREFIX)

    @property
    def topics(self) -> Topics:
        """The topics under this prefix."""
        return Topics(self.prefix)

    def __str__(self) -> str:
        """Return the URL."""
        return f"{SCHEME}{','.join(self.servers)}/{self.prefix}"
