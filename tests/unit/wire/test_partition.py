"""Partitions are Kafka's: anybody's topic keyed by the plain transaction id is co-partitioned with ours."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as kafkas_murmur2
from hypothesis import given
from hypothesis import strategies as st

from clew_agent.wire import murmur2, partition_of

ids = st.integers(0, (1 << 128) - 1).map("{:032x}".format)


@given(ids, st.integers(1, 1000))
def test_it_is_what_aiokafkas_default_partitioner_does(transaction: str, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition_of(transaction, partitions) == DefaultPartitioner()(transaction.encode(), numbers, numbers)


@given(st.binary(max_size=50))
def test_the_hash_is_kafkas_for_any_bytes(data: bytes) -> None:
    assert murmur2(data) == kafkas_murmur2(data) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "signed"),
    # From org.apache.kafka.common.utils.UtilsTest.testMurmur2
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_that_of_kafkas_own_tests(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed & 0xFFFFFFFF


def test_transactions_are_spread_evenly() -> None:
    counts = [0] * 12
    for i in range(12_000):
        counts[partition_of(f"{i * 0x9E3779B97F4A7C15:032x}"[-32:], 12)] += 1
    assert min(counts) > 850
    assert max(counts) < 1150
