"""Which partition a transaction belongs to: what every Kafka client's default partitioner does with its id as key.

The key is the transaction id as 32 ASCII bytes and nothing else, so that anybody's topic keyed by the plain id is
co-partitioned with ours. Source: org.apache.kafka.common.utils.Utils.murmur2 (seed 0x9747b28c, 32 bit).
"""

from __future__ import annotations

__all__ = ["murmur2", "partition_of"]

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return Kafka's 32-bit murmur2 of `data` as an unsigned integer."""
    length = len(data)
    h = (_SEED ^ length) & _MASK
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little")
        k = (k * _M) & _MASK
        k ^= k >> 24
        k = (k * _M) & _MASK
        h = ((h * _M) & _MASK) ^ k
    if rest := data[whole:]:
        h ^= int.from_bytes(rest, "little")
        h = (h * _M) & _MASK
    h ^= h >> 13
    h = (h * _M) & _MASK
    return h ^ (h >> 15)


def partition_of(transaction_id: str, partitions: int) -> int:
    """Return the partition, 0 <= p < `partitions`, of a transaction id of 32 hex digits."""
    return (murmur2(transaction_id.encode("ascii")) & 0x7FFFFFFF) % partitions
