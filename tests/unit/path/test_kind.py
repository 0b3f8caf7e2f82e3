"""Lines of one kind differ in values only; a line that names a service hints at a call."""

from __future__ import annotations

import pytest
from tests.unit.path.lines import line

from clew_query.path.kind import line_kind
from clew_query.path.naming import names, telling_words, words_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("order 17 created", "order 18 created", True),
        ("[query][Query for station id][Name: shanghai]", "[query][Query for station id][Name: wuxi]", True),
        ("user=ann logged in", "user=bob logged in", True),
        ("Query product X1", "Query product X1 successfully", False),
        ("begin", "end", False),
    ],
)  # fmt: skip
def test_kinds(one: str, other: str, same: bool):
    assert (line_kind(line("a", 0, one)) == line_kind(line("a", 1, other))) is same


def test_the_logger_is_part_of_the_kind():
    a = line("a", 0, "begin", attributes={"logger": "x"})
    assert line_kind(a) != line_kind(line("a", 0, "begin", attributes={"logger": "y"}))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("calling payment", True),
        ("POST http://payment-service:8080/charge", True),
        ("PaymentClient answered", True),
        ("payments listed", True),
        ("calling service", False),
        ("shop opened", False),
    ],
)
def test_names(text: str, named: bool):
    telling = telling_words(["shop-payment-service", "shop-orders-service", "shop-web"])
    assert names(words_of(line("orders", 0, text)), telling["shop-payment-service"]) is named


def test_a_url_in_an_attribute_names_too():
    telling = telling_words(["payment", "orders"])
    assert names(words_of(line("orders", 0, "GET", attributes={"url": "http://payment/x"})), telling["payment"])
