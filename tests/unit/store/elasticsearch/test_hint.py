"""Which transactions alone an expression can find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew_collector.store.elasticsearch.hint import (
    DAYS_MAX,
    EVERYWHERE,
    TRANSACTIONS_MAX,
    transactions_sought,
    union_of_days,
)
from clew_collector.store.expression import ALL, And, Exists, Expression, Not, Or, Prefix, Term

ONE, TWO = Term("transaction_id", "a" * 32), Term("transaction_id", "b" * 32)
CASES: dict[str, tuple[Expression, set[str] | None]] = {
    "one": (ONE, {"a" * 32}),
    "one or the other": (Or((ONE, TWO)), {"a" * 32, "b" * 32}),
    "one and more that it must be": (And((Exists("body"), ONE)), {"a" * 32}),
    "one of two, and the narrower of both conditions": (And((Or((ONE, TWO)), TWO)), {"b" * 32}),
    "one that is not another": (And((ONE, Not(TWO))), {"a" * 32}),
    "one, or any with a word": (Or((ONE, Term(None, "a"))), None),
    "all but one": (Not(ONE), None),
    "any id": (Term("ids", "a" * 32), None),
    "those that begin so": (Prefix("transaction_id", "a"), None),
    "no id": (Term("transaction_id", ""), None),
    "everything": (ALL, None),
    "too many": (Or(tuple(Term("transaction_id", str(n)) for n in range(TRANSACTIONS_MAX + 1))), None),
}


@pytest.mark.parametrize(("expression", "sought"), CASES.values(), ids=list(CASES))
def test_an_expression_tells_which_transactions_it_can_find(expression: Expression, sought: set[str] | None) -> None:
    assert transactions_sought(expression) == sought


names = st.lists(st.integers(0, DAYS_MAX + 5).map(str), max_size=DAYS_MAX + 3)


@given(names, names, names)
def test_days_unite_like_all_that_a_summary_says(one: list[str], other: list[str], third: list[str]) -> None:
    united = union_of_days(one, other)
    assert united == union_of_days(other, one) == union_of_days(united, one)
    assert union_of_days(united, third) == union_of_days(one, union_of_days(other, third))
    assert len(united) <= DAYS_MAX
    assert set(united) == set(one) | set(other) or united == (EVERYWHERE,)
