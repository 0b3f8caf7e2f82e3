"""The service map: a picture of who calls whom, and the numbers below it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_services_stand_right_of_their_callers(page: Page):
    page.goto("/")
    page.get_by_role("link", name="Map").click()
    expect(page.locator(".picture [data-service=gateway]")).to_be_visible()
    lefts = [
        page.locator(f".picture [data-service='{service}'] rect").evaluate("box => box.getBoundingClientRect().left")
        for service in ("", "gateway", "orders", "payment")
    ]
    assert lefts == sorted(lefts)
    assert len(set(lefts)) == 4


def test_edges_say_whether_they_are_proven_inferred_or_asynchronous(page: Page):
    page.goto("/map")
    expect(page.locator("[data-edge='gateway>orders']")).not_to_have_class("call inferred")
    expect(page.locator("[data-edge='orders>payment'].inferred")).to_have_count(1)
    expect(page.locator("[data-edge$='>mail'].async").first).to_be_visible()
    row = page.get_by_role("row").filter(has_text="orderspayment")
    expect(row.locator(".probability")).to_contain_text("p 0.")
    expect(row.locator(".error-text")).to_be_visible()


def test_a_service_that_is_chosen_shows_its_own_calls_alone(page: Page):
    page.goto("/map")
    page.locator(".picture [data-service=payment]").click()
    rows = page.locator(".calls tbody tr")
    expect(rows.filter(has_not_text="payment")).to_have_count(0)
    expect(page.locator("[data-edge='gateway>orders'].faded")).to_have_count(1)
    page.locator(".picture [data-service=payment]").click()
    expect(rows.filter(has_not_text="payment")).not_to_have_count(0)


def test_a_range_without_transactions_says_so(page: Page):
    page.goto("/map?from=2031-01-01T00:00:00Z")
    expect(page.get_by_text("No transactions in this range.")).to_be_visible()
