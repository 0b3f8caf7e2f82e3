"""What a failure of Kafka means to an operator: a sentence and a hint, whichever program met it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import errors

from .address import KafkaAddress

__all__ = ["Explained", "explain", "is_too_large"]


class Explained(NamedTuple):
    """What happened, and what to do about it."""

    message: str
    hint: str


_MISSING_TOPIC = (
    "start a collector on this cluster: it creates the topics; or create it yourself, with as many partitions as you "
    "want collectors to share"
)
_HINTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("UnknownTopicOrPartition",), _MISSING_TOPIC),
    (
        ("NotEnoughReplicas", "InvalidReplicationFactor"),
        "too few brokers are up for the topic's `min.insync.replicas`; start them, nothing is lost meanwhile",
    ),
    (
        ("Authentication", "IllegalSaslState", "UnsupportedSaslMechanism", "SASL"),
        "see `kafka.username`, `kafka.password`, `kafka.mechanism`, and that the brokers know this user",
    ),
    (("Authorization",), "give this user the right to write and read the topics, and to join its group"),
    (("certificate", "CERTIFICATE", "SSL", "ssl"), "see `kafka.tls` and `kafka.ca_file`"),
    (
        # A broker that wants TLS or a login says nothing to who comes without: it hangs up.
        ("closed",),
        "see that the brokers run and stay up, and, if they want TLS or a login, `kafka.tls` and `kafka.username`",
    ),
    (
        ("Connect", "Unable", "bootstrap", "Broken", "NodeNotReady", "NoBrokers", "Timeout", "TimedOut"),
        "see that the brokers run, and that the address names them as this host reaches them",
    ),
)


_NO_ANSWER = (
    OSError,
    errors.KafkaConnectionError,
    errors.KafkaTimeoutError,
    errors.NodeNotReadyError,
    errors.RequestTimedOutError,
)


def explain(
    error: BaseException | None, address: KafkaAddress, *, murmur: str = "", topics: Sequence[str] = ()
) -> Explained:
    """Return what a failure means. `murmur`: what the library last said while it tried; `error` None: time ran out.

    `topics`: what was asked for; of a missing one the library does not say which it is.
    """
    servers = ",".join(address.servers)
    if isinstance(error, errors.UnknownTopicOrPartitionError):
        what = (
            f"the topic {topics[0]} does not exist" if len(topics) == 1 else f"a topic of {_either(topics)} is missing"
        )
        return Explained(f"{what} at {servers}", _MISSING_TOPIC)
    if error is None or isinstance(error, _NO_ANSWER):
        # While it tried, the library said more than the exception that it ended with.
        text = murmur or ("no answer in time" if error is None or isinstance(error, TimeoutError) else _words(error))
    else:
        text = _words(error)
    hint = next((hint for words, hint in _HINTS if any(word in text for word in words)), "")
    return Explained(f"Kafka at {servers} does not answer as it should: {text}", hint)


def _either(topics: Sequence[str]) -> str:
    return f"{', '.join(topics[:-1])} and {topics[-1]}" if topics else "those asked for"


def _words(error: BaseException) -> str:
    # Some of the library's errors say their own name, some say nothing else.
    name = type(error).__name__
    return str(error) if str(error).startswith(name) else f"{name}: {error}".removesuffix(": ")


def is_too_large(error: BaseException) -> bool:
    """Return whether a record, or a batch of them, was over a limit of the topic or the broker."""
    return isinstance(error, errors.MessageSizeTooLargeError | errors.RecordListTooLargeError)
