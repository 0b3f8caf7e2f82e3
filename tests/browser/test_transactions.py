"""The list of transactions, as somebody uses it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.steps import search
from tests.browser.story import FAILED, tell

pytestmark = pytest.mark.browser


def rows(page: Page):
    return page.locator("tbody tr")


def several() -> int:
    return len({event.transaction_id for event in tell() if event.transaction_origin != "generated"})


def test_those_that_failed_are_found_and_lead_to_their_paths(page: Page):
    page.goto("/")
    page.get_by_role("link", name="Transactions").click()
    expect(page.locator(".summary")).to_contain_text(f"{several():,} transactions")
    search(page, "error:true service:payment")
    row = rows(page).filter(has_text=FAILED[:12])
    expect(row).to_have_count(1)
    expect(row).to_contain_text("payment")
    assert page.url.endswith("/transactions?query=error%3Atrue+service%3Apayment")
    row.get_by_role("link").first.click()
    expect(page.locator("h1")).to_contain_text(FAILED)


def test_more_are_there_on_request(page: Page):
    page.goto("/transactions")
    expect(rows(page)).to_have_count(100)
    page.get_by_role("button", name="Load more").click()
    expect(rows(page)).to_have_count(several())
    begun = rows(page).locator("td:first-child").all_inner_texts()
    assert begun == sorted(begun, reverse=True)


def test_a_field_that_transactions_lack_is_said(page: Page, complaints: list[str]):
    page.goto("/transactions")
    search(page, "body:declined")
    expect(page.get_by_role("alert")).to_contain_text("body")
    expect(rows(page)).to_have_count(0)
    search(page, "root:nobody")
    expect(page.locator(".quiet")).to_contain_text("No transactions match")
    # The browser itself notes every answer of 400.
    assert {"400" in complaint for complaint in complaints} == {True}
    complaints.clear()
