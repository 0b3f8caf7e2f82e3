"""What somebody does on a page with a query."""

from __future__ import annotations

from playwright.sync_api import Page

__all__ = ["search"]


def search(page: Page, query: str) -> None:
    page.get_by_role("searchbox", name="Query").fill(query)
    page.keyboard.press("Enter")
