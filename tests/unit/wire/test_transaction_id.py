"""Transaction ids: every notation of one id is one transaction on every host, and what is none is none."""

from __future__ import annotations

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew_agent.wire import NO_TRANSACTION, Origin, canonical_transaction_id, map_alias
from clew_agent.wire.transaction_id import ALIAS_NAMESPACE

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

KNOWN = {
    "W3C": (TRACE, TRACE),
    "upper case": (TRACE.upper(), TRACE),
    "with blanks": (f" {TRACE}\n", TRACE),
    "64 bits": ("a3ce929d0e0e4736", "0000000000000000a3ce929d0e0e4736"),
    "UUID": ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", TRACE),
    "UUID in upper case": ("4BF92F35-77B3-4DA6-A3CE-929D0E0E4736", TRACE),
    "X-Ray": ("1-4bf92f35-77b34da6a3ce929d0e0e4736", TRACE),
    "Datadog": ("11803532876627986230", "0000000000000000a3ce929d0e0e4736"),
    "Datadog, 128 bits": (str(int(TRACE, 16)), TRACE),
    "17 decimal digits": ("10000000000000000", f"{10**16:032x}"),
    "the greatest": (str((1 << 128) - 1), "f" * 32),
    "16 decimal digits are hex": ("1234567890123456", "00000000000000001234567890123456"),
    "32 decimal digits are hex": ("12345678901234567890123456789012",) * 2,
}
UNKNOWN = {
    "nothing": "",
    "zeros": "0" * 32,
    "zeros of 64 bits": "0" * 16,
    "a UUID of zeros": "00000000-0000-0000-0000-000000000000",
    "zero": "0" * 20,
    "31 digits": TRACE[:-1],
    "33 digits": TRACE + "0",
    "a digit that is none": TRACE[:-1] + "g",
    "16 letters": "g" * 16,
    "too great": str(1 << 128),
    "other digits": "١" * 20,
    "free text": "checkout-7f3a",
    "braces": "{4bf92f35-77b3-4da6-a3ce-929d0e0e4736}",
}


@pytest.mark.parametrize(("text", "transaction"), KNOWN.values(), ids=KNOWN)
def test_ids_in_known_notations_lose_no_bit(text: str, transaction: str) -> None:
    assert canonical_transaction_id(text) == transaction
    assert map_alias(text) == transaction


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_no_id_is_none(text: str) -> None:
    assert canonical_transaction_id(text) is None


def test_free_text_is_mapped_alike_on_every_host() -> None:
    assert map_alias("checkout-7f3a") == uuid5(ALIAS_NAMESPACE, "checkout-7f3a").hex
    assert map_alias("checkout-7f3a") == "28a5d476d2f75c51bbed910cb960b37c"
    assert UUID(map_alias("checkout-7f3a")).version == 5


@given(st.text(max_size=80))
def test_every_text_has_one_transaction_of_32_digits(text: str) -> None:
    mapped = map_alias(text)
    assert len(mapped) == 32
    assert mapped == map_alias(text)
    assert mapped != NO_TRANSACTION
    assert canonical_transaction_id(mapped) == mapped


@given(st.integers(1, (1 << 128) - 1))
def test_a_transaction_is_its_own_canonical_form(number: int) -> None:
    assert canonical_transaction_id(f"{number:032x}") == f"{number:032x}"


def test_rungs_are_numbered_for_good() -> None:
    """They are bytes in chunks that logs keep."""
    assert {origin.label: int(origin) for origin in Origin} == {"generated": 0, "line": 1, "alias": 2, "inherited": 3}
