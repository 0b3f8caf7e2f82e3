"""What the page makes of paths that its own story has not: skewed clocks, gaps, placeholders, thousands of calls."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.unit.path.lines import START, TRANSACTION, span

from clew_collector.event import Event, Link
from clew_query.path import Absent, Around, Collected, Gap, transaction_json
from clew_query.view import encode_json

pytestmark = pytest.mark.browser

SKEWED = [
    span("web", "a", kind="server", at=(0, 100)),
    span("web", "b", "a", "client", at=(5, 95)),
    span("app", "c", "b", "server", at=(5_010, 5_090)),
    span("app", "d", "c", "client", at=(5_020, 5_030), attributes={"db.system": "postgresql"}),
    span("mail", "m", "lost", "server", at=(300, 310), links=(Link("f" * 32, "x"),)),
]
MISSING = Around(
    (Gap("host-7", "stock", "/var/log/stock.log", START, None, "800 bytes that its agent has seen are not here yet"),),
    (Absent("stock", False, "host-7: 800 bytes"), Absent("users", True, "all is here")),
)


def show(page: Page, events: list[Event], around: Around = MISSING) -> None:
    """Open the page on a transaction as the API would tell it."""
    collected = Collected(TRANSACTION, (), tuple(events), len(events))
    body = encode_json(transaction_json(collected, around=around))
    page.route("**/api/v1/transactions/told", lambda route: route.fulfill(body=body, content_type="application/json"))
    page.goto("/t/told")
    expect(page.locator(".invocation").first).to_be_visible(timeout=60_000)


def bar(page: Page, service: str) -> dict[str, float]:
    row = page.locator(".invocation").filter(has=page.locator(".label .service", has_text=service))
    box = row.locator(".track .bar").bounding_box()
    assert box is not None
    return {"left": box["x"], "right": box["x"] + box["width"]}


def test_clocks_are_corrected_until_times_are_wanted_as_written(page: Page):
    show(page, SKEWED)
    expect(page.locator(".clocks")).to_contain_text(
        "The clock of host-of-app is 5 s ahead, within 5 ms, as calls show."
    )
    assert bar(page, "web")["left"] <= bar(page, "app")["left"] < bar(page, "app")["right"] <= bar(page, "web")["right"]
    page.get_by_role("button", name="Times as written").click()
    expect(page.locator(".clocks")).to_contain_text("nothing is corrected now")
    assert bar(page, "app")["left"] > bar(page, "web")["right"]


def test_what_was_not_heard_is_told_from_what_was_not_called(page: Page):
    show(page, SKEWED)
    expect(page.locator(".warning").nth(1)).to_contain_text("No data from stock on host-7 from 2023-01-29T08:42:09")
    expect(page.get_by_text("Not heard, so perhaps called: stock")).to_be_visible()
    expect(page.locator(".uncalled")).to_have_text("Not called: users")


def test_placeholders_are_drawn_apart_and_say_why(page: Page):
    show(page, SKEWED)
    absent = page.locator(".invocation.absent")
    expect(absent).to_have_count(2)
    expect(absent.nth(0)).to_contain_text("a span of app names it, and nothing was heard from it")
    expect(absent.nth(1)).to_contain_text("span lost, which mail names as its parent, is not here")


def test_an_open_invocation_says_why_it_is_there_and_what_it_is_linked_to(page: Page):
    show(page, SKEWED)
    page.locator(".invocation").filter(has_text="mail").locator("button").last.click()
    evidence = page.locator(".evidence")
    expect(evidence).to_contain_text(
        "a service that is not here certainly called mail and waited: its span names that parent span."
    )
    expect(evidence.get_by_role("link", name="span x")).to_have_attribute("href", "/t/" + "f" * 32)


def test_what_was_waited_for_is_summed_up_by_service(page: Page):
    show(page, SKEWED)
    expect(page.locator(".shares figcaption")).to_contain_text(re.compile(r"app 70 ms \d+ %"))


@pytest.mark.parametrize("deep", [False, True])
def test_of_thousands_of_calls_only_those_in_sight_are_drawn(page: Page, deep: bool):
    count = 5_000
    spans = [span("root", "0", kind="server", at=(0, 2 * count))]
    spans += [
        span(f"s{n}", str(n), str(n - 1) if deep else "0", "server", at=(n, 2 * count - n) if deep else (n, n + 1))
        for n in range(1, count)
    ]
    show(page, spans)
    rows = page.locator(".invocation")
    assert rows.count() < 200
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    last = page.locator(".invocation .service", has_text=re.compile(rf"^s{count - 1}$"))
    expect(last).to_be_visible()
    last.click()
    expect(page.locator(".lines .event")).to_have_count(1)
    assert rows.count() < 200
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator(".invocation .service", has_text=re.compile("^root$"))).to_be_visible()
