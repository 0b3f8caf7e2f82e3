"""Bulk requests: what goes together."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clew_collector.store.elasticsearch.request import PART_ITEMS_MAX, BulkItem, body, cut, parts


@given(st.integers(0, 20_000), st.integers(1, 5))
def test_parts_are_of_alike_size_and_fill_whole_rounds(count: int, at_once: int) -> None:
    found = list(parts(count, at_once=at_once))
    assert [number for part in found for number in range(count)[part]] == list(range(count))
    sizes = [part.stop - part.start for part in found]
    assert all(0 < size <= PART_ITEMS_MAX for size in sizes)
    # The last one may be shorter by what does not divide.
    assert not sizes or max(sizes) - min(sizes) < max(at_once * len(sizes), 1)
    if count > PART_ITEMS_MAX * at_once * 20:
        assert len(found) % at_once == 0


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=30), st.integers(1, 400))
def test_a_request_is_not_larger_than_it_may_be_unless_an_item_is(documents: list[bytes], bytes_max: int) -> None:
    items = [BulkItem.of("index", f"{number:032x}", document) for number, document in enumerate(documents)]
    requests = list(cut(items, bytes_max=bytes_max))
    assert [item for request in requests for item in request] == items
    assert all(len(body(request)) <= bytes_max or len(request) == 1 for request in requests)
    for request, following in pairwise(requests):
        assert len(body([*request, following[0]])) > bytes_max, "there was no room for the next"


def test_an_item_makes_its_document_unless_one_of_its_id_is_there() -> None:
    assert body([BulkItem.of("day", "a1", b'{"x":1}'), BulkItem.of("other", "b2", b"{}")]) == (
        b'{"create":{"_index":"day","_id":"a1"}}\n{"x":1}\n{"create":{"_index":"other","_id":"b2"}}\n{}\n'
    )
