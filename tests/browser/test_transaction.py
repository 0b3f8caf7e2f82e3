"""The page of a transaction: its names, and the waterfall of its invocations with their lines."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from tests.browser.story import FAILED, FAILED_REQUEST, FAILURE, HOSTILE, HOSTILE_ALIAS

pytestmark = pytest.mark.browser


def invocation(page: Page, service: str):
    return page.locator(".invocation").filter(has=page.locator(".label .service", has_text=service))


@pytest.mark.parametrize("asked", [FAILED, FAILED.upper(), FAILED_REQUEST, "000013d500000002"])
def test_any_id_opens_it(page: Page, asked: str):
    page.goto(f"/t/{asked}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(FAILED)
    expect(page.locator(".aliases")).to_contain_text(FAILED_REQUEST)
    expect(page.locator(".facts")).to_contain_text("Errors2")


def test_the_waterfall_nests_callees_under_their_callers(page: Page):
    page.goto(f"/t/{FAILED}")
    rows = page.locator(".invocation")
    expect(rows).to_have_count(4)
    nested = rows.evaluate_all(
        "rows => rows.map(row => [row.querySelector('.label .service').textContent, Number(row.dataset.depth)])"
    )
    assert nested == [["gateway", 0], ["orders", 1], ["inventory", 2], ["payment", 2]]
    lefts = rows.locator(".label .service").evaluate_all(
        "names => names.map(name => name.getBoundingClientRect().left)"
    )
    assert lefts[0] < lefts[1] < lefts[2] == lefts[3]


def test_bars_stand_where_and_as_long_as_the_work_was(page: Page):
    page.goto(f"/t/{FAILED}")
    bars = page.locator(".track .bar")
    expect(bars).to_have_count(4)
    gateway, orders, inventory, payment = bars.evaluate_all(
        "bars => bars.map(bar => bar.getBoundingClientRect()).map(({ left, right }) => ({ left, right }))"
    )
    assert gateway["left"] < orders["left"] < inventory["left"] < inventory["right"] < payment["left"]
    assert payment["right"] < orders["right"] < gateway["right"]


def test_what_is_inferred_says_how_probable_it_is_and_why(page: Page):
    page.goto(f"/t/{FAILED}")
    payment, orders = invocation(page, "payment"), invocation(page, "orders")
    expect(payment.locator(".probability")).to_contain_text("p 0.9")
    expect(payment.locator(".elbow.inferred")).to_have_count(1)
    expect(payment.locator(".evidence")).to_contain_text("names the callee")
    expect(orders.locator(".probability")).to_have_count(0)
    expect(orders.locator(".evidence")).to_contain_text("a span names its parent span")


def test_failed_invocations_are_open_and_show_the_failing_line(page: Page):
    page.goto(f"/t/{FAILED}")
    payment = invocation(page, "payment")
    expect(payment.locator(".lines .error")).to_contain_text(FAILURE)
    expect(payment.locator(".tag.errors")).to_have_text("1 error")
    expect(invocation(page, "inventory").locator(".lines")).to_have_count(0)
    invocation(page, "inventory").get_by_role("button").first.press("Enter")
    expect(invocation(page, "inventory").locator(".lines .event")).to_have_count(2)
    payment.locator(".lines .error .line").click()
    expect(payment.locator(".details")).to_contain_text("issuer_code")
    page.get_by_role("button", name="Close all").click()
    expect(page.locator(".lines")).to_have_count(0)


def test_work_that_nobody_waited_for_is_marked_asynchronous(page: Page):
    page.goto("/?query=confirmation AND order AND 5003")
    page.locator(".events .line").first.click()
    page.get_by_role("link", name="Open transaction").click()
    expect(invocation(page, "mail").locator(".tag.async")).to_have_text("async")
    expect(page.locator(".tag.async")).to_have_count(1)


def test_an_unknown_id_says_so(page: Page, complaints: list[str]):
    page.goto("/t/nobody-knows-this")
    expect(page.get_by_role("alert")).to_contain_text("nothing is known by the id nobody-knows-this")
    assert len(complaints) == 1  # the browser itself notes the 404
    complaints.clear()


def test_a_hostile_id_is_found_and_is_text(page: Page):
    page.goto(f"/t/{quote(HOSTILE_ALIAS, safe='')}")
    expect(page.locator(".aliases code")).to_have_text(HOSTILE_ALIAS)
    expect(page.locator(".invocation .label .service")).to_have_text(HOSTILE)
    assert page.evaluate("window.hacked") is None


def test_alerts_and_agents_are_tables(page: Page):
    page.goto("/")
    page.get_by_role("link", name="Alerts").click()
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text("firing")
    expect(row).to_contain_text("8.7 %")
    page.get_by_role("link", name="Agents").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("/var/log/orders.log")
    expect(page.get_by_text("400 B behind")).to_be_visible()
