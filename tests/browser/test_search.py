"""The search page, as somebody uses it."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.steps import search
from tests.browser.story import FAILED, FAILED_REQUEST, FAILURE, HOSTILE, tell

pytestmark = pytest.mark.browser


def rows(page: Page):
    return page.locator(".events .event")


def test_a_search_finds_lines_newest_first_and_stands_in_the_url(page: Page):
    page.goto("/")
    search(page, FAILED_REQUEST)
    expect(rows(page)).to_have_count(3)
    expect(rows(page).first).to_contain_text("500 POST /checkout")
    expect(rows(page).last).to_contain_text("POST /checkout")
    assert page.url.endswith(f"?query={FAILED_REQUEST}")
    page.go_back()
    expect(page.locator(".summary")).to_contain_text(f"{len(tell()):,} lines")


def test_a_query_that_does_not_parse_shows_where(page: Page, complaints: list[str]):
    page.goto("/")
    search(page, 'service:"orders')
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("this quote is not closed at character 9")
    query, caret = alert.locator(".caret").inner_text().split("\n")[:2]
    assert query[caret.index("^")] == '"'
    expect(rows(page)).to_have_count(0)
    search(page, 'service:"orders"')
    expect(alert).to_have_count(0)
    expect(rows(page).first).to_contain_text("orders")
    # The browser itself notes every answer of 400.
    assert {"400" in complaint for complaint in complaints} == {True}
    complaints.clear()


def test_the_histogram_is_drawn_and_a_drag_over_it_zooms(page: Page):
    page.goto("/")
    over = page.locator(".u-over")
    expect(over).to_be_visible()
    painted = """() => {
        const canvas = document.querySelector(".plot canvas");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return pixels.filter((value, index) => index % 4 === 3 && value > 0).length;
    }"""
    assert page.evaluate(painted) > 1000
    box = over.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile(r"from=2026-11-24T06%3A0\d.*to=2026-11-24T06%3A0\d"))
    total = int(page.locator(".summary b").inner_text().replace(",", ""))
    assert 0 < total <= len(tell())


def test_a_range_is_chosen_by_keyboard(page: Page):
    page.goto("/")
    expect(rows(page).first).to_be_visible()
    page.get_by_label("Range of time").focus()
    page.keyboard.press("Enter")
    page.get_by_label("From").fill("2026-11-24T06:00:00Z")
    page.get_by_label("To").fill("2026-11-24T06:00:05Z")
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_contain_text("11 lines")
    expect(page.get_by_label("Range of time")).to_have_text("2026-11-24 06:00:00 – 2026-11-24 06:00:05")


def test_a_line_opens_by_keyboard_with_all_that_is_known_of_it(page: Page):
    page.goto(f"/?query={FAILED} AND severity>=error AND service:payment")
    line = rows(page).first.get_by_role("button").first
    line.focus()
    page.keyboard.press("Enter")
    expect(line).to_have_attribute("aria-expanded", "true")
    details = page.locator(".details")
    expect(details).to_contain_text("issuer_code")
    expect(details).to_contain_text("/var/log/payment.log")
    details.get_by_role("button", name="Surrounding lines").click()
    here = page.locator(".surrounding li.here")
    expect(here).to_contain_text(FAILURE)
    expect(page.locator(".surrounding li")).to_have_count(21)
    details.get_by_label("only issuer_code").click()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile(r'attributes\.issuer_code:"51"$'))


def test_more_is_loaded_where_the_first_page_ended(page: Page):
    page.goto("/")
    expect(rows(page)).to_have_count(100)
    page.get_by_role("button", name="Load more").click()
    expect(rows(page)).to_have_count(200)
    times = page.locator(".events time").all_inner_texts()
    assert times == sorted(times, reverse=True)


def test_a_service_is_chosen_and_left_again(page: Page):
    page.goto("/?query=severity>=error")
    service = page.get_by_label("Services").get_by_role("link", name="payment")
    expect(service).to_contain_text("%")
    service.click()
    expect(page.get_by_role("searchbox")).to_have_value("severity>=error service:payment")
    expect(service).to_have_attribute("aria-current", "true")
    service.click()
    expect(page.get_by_role("searchbox")).to_have_value("severity>=error")


def test_a_hostile_line_is_text(page: Page):
    page.goto("/?query=severity>=error")
    row = rows(page).first
    expect(row).to_contain_text(HOSTILE)
    row.get_by_role("button").first.click()
    expect(page.locator(".details")).to_contain_text(HOSTILE)
    page.get_by_role("link", name="Open transaction").click()
    expect(page.locator(".invocation")).to_contain_text(HOSTILE)
    assert page.locator("#app img, #app script, #app svg[onload]").count() == 0
    assert page.evaluate("window.hacked") is None


def test_new_lines_appear_while_live(page: Page, server):
    page.goto("/")
    expect(rows(page).first).to_be_visible()
    with page.expect_response("**/events/stream*"):
        page.get_by_role("button", name="Live").click()
    expect(page.get_by_role("status")).to_contain_text("New lines appear here")
    page.wait_for_function("document.querySelectorAll('.events .event').length === 0")
    newest = tell()[-2]
    server.publish(newest)
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text(newest.body)


def test_nothing_found_says_so(page: Page):
    page.goto("/?query=nowhere&from=now-5m")
    expect(page.locator("main")).to_contain_text("No lines match.")
    page.get_by_role("button", name="Search all time").click()
    page.wait_for_url(lambda url: "from" not in url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_ground_in_both_schemes(page: Page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto("/")
    expect(rows(page).first).to_be_visible()
    colours = json.loads(
        page.evaluate("""() => {
            const style = getComputedStyle(document.body);
            return JSON.stringify([style.color, style.backgroundColor]);
        }""")
    )
    text, ground = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert (text < ground) is (scheme == "light")
    assert abs(text - ground) > 450
