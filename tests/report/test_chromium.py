"""The report in a browser: it draws every chart, asks for nothing, complains about nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from foretide.report.html import write_report

from .conftest import hostile

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
#: Language, scheme and width in pixels.
DEVICES = {
    "desk": ("en", "light", 1440),
    "phone": ("en", "dark", 360),
    "tablet": ("zh", "dark", 768),
    "other phone": ("zh", "light", 390),
}
DRAWN = "html[data-drawn]"
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"
BEYOND = "(boxes) => boxes.filter(box => box.getBoundingClientRect().right > innerWidth).length"
SIDEWAYS = "(boxes) => boxes.filter(box => box.scrollWidth > box.clientWidth).length"
WIDEST = "(marks) => Math.max(...marks.map(mark => mark.getBoundingClientRect().width))"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(browser):
    """Open a file; return the page, what it asked for, and what it complained about."""
    contexts = []

    def opened(path: Path, **look):
        contexts.append(browser.new_context(**look))
        page, asked, complaints = contexts[-1].new_page(), [], []

        def judge(route):
            if route.request.url == path.as_uri():
                route.continue_()
            else:
                asked.append(route.request.url)
                route.abort()

        page.route("**/*", judge)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.goto(path.as_uri())
        page.wait_for_selector(DRAWN)
        return page, asked, complaints

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def looked_at(opened, written):
    """Return the report as opened on a device, each once: drawing all charts takes seconds."""

    @cache
    def looked_at(device: str):
        lang, scheme, width = DEVICES[device]
        look = {"color_scheme": scheme, "viewport": {"width": width, "height": 844}}
        return opened(written[lang], timezone_id="America/Los_Angeles", **look)

    return looked_at


@pytest.mark.parametrize("device", DEVICES)
def test_it_draws_fits_the_screen_and_is_quiet(looked_at, device):
    page, asked, complaints = looked_at(device)
    assert page.locator(".chart").count() == page.locator(".chart svg").count() > 10
    assert not page.evaluate(TOO_WIDE)
    assert asked == []
    assert complaints == []


def test_charts_follow_the_scheme(looked_at):
    page, _, _ = looked_at("desk")
    colour = "() => getComputedStyle(document.querySelector('#chart-0 .mark-area path')).fill"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colour)
    page.emulate_media(color_scheme="dark", media="print")
    printed = page.evaluate(colour)
    page.emulate_media(color_scheme="light", media="screen")
    assert light != dark
    assert printed == light


def test_the_pointer_tells_the_figures_of_a_day(looked_at):
    page, _, complaints = looked_at("desk")
    page.locator("#chart-0 svg").hover(position={"x": 300, "y": 150})
    told = page.locator("#vg-tooltip-element.visible").inner_text()
    assert "Day" in told
    assert "churned" in told
    assert complaints == []


def test_a_hostile_name_stays_a_name(opened, data, tmp_path):
    attack = "</script><img src=x onerror=alert(1)><script>alert(1)</script>"
    page, asked, complaints = opened(write_report(hostile(data, attack), tmp_path / "report.html"))
    chart = page.locator("figure", has_text="Share of activity by interest").locator("svg")
    chart.hover(position={"x": 300, "y": 150})
    assert attack in page.locator("#vg-tooltip-element.visible").inner_text()
    assert asked == []
    assert complaints == []


def test_the_keyboard_reaches_the_tables(looked_at):
    page, _, _ = looked_at("desk")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None


def test_on_a_phone_tables_stay_in_the_page_and_words_are_not_cut(looked_at):
    page, _, _ = looked_at("phone")
    page.evaluate("() => document.querySelectorAll('details').forEach(e => e.open = true)")
    assert page.locator("table.words").count() > 3
    assert page.locator(".scroll").evaluate_all(BEYOND) == 0
    assert page.locator(".scroll:has(.words)").evaluate_all(SIDEWAYS) == 0


@pytest.mark.parametrize("device", ["phone", "desk"])
def test_the_figures_of_a_map_fit_in_its_cells(looked_at, device):
    page, _, _ = looked_at(device)
    for title in ("Where users went", "by the way of counting days"):
        drawn = page.locator("figure", has=page.get_by_role("heading", name=title)).locator("svg")
        figures, cells = drawn.locator(".role-mark.mark-text text"), drawn.locator(".role-mark.mark-rect path")
        assert figures.count() == cells.count() > 0
        assert figures.evaluate_all(WIDEST) <= cells.evaluate_all(WIDEST)
