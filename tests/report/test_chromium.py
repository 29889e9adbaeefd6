"""The report in a browser: it draws every chart, asks for nothing, complains about nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretide.report.html import write_report

from .conftest import hostile

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
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


@pytest.fixture
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_draws_and_is_quiet(opened, written, lang, scheme):
    page, asked, complaints = opened(written[lang], color_scheme=scheme, timezone_id="America/Los_Angeles")
    assert page.locator(".chart").count() == page.locator(".chart svg").count() > 10
    assert asked == []
    assert complaints == []


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_it_fits_the_screen(opened, written, width):
    page, _, _ = opened(written["en"], viewport={"width": width, "height": 800})
    assert not page.evaluate(TOO_WIDE)


def test_charts_follow_the_scheme(opened, written):
    page, _, _ = opened(written["en"], color_scheme="light")
    colour = "() => getComputedStyle(document.querySelector('#chart-0 .mark-area path')).fill"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colour)
    page.emulate_media(color_scheme="dark", media="print")
    assert light != dark
    assert page.evaluate(colour) == light


def test_the_pointer_tells_the_figures_of_a_day(opened, written):
    page, _, complaints = opened(written["en"])
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


def test_the_keyboard_reaches_the_tables(opened, written):
    page, _, _ = opened(written["en"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None


def test_on_a_phone_tables_stay_in_the_page_and_words_are_not_cut(opened, written):
    page, _, _ = opened(written["en"], viewport={"width": 390, "height": 844})
    page.evaluate("() => document.querySelectorAll('details').forEach(e => e.open = true)")
    assert page.locator("table.words").count() > 3
    assert page.locator(".scroll").evaluate_all(BEYOND) == 0
    assert page.locator(".scroll:has(.words)").evaluate_all(SIDEWAYS) == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_the_figures_of_a_map_fit_in_its_cells(opened, written, width):
    page, _, _ = opened(written["en"], viewport={"width": width, "height": 844})
    for title in ("Where users went", "by the way of counting days"):
        drawn = page.locator("figure", has=page.get_by_role("heading", name=title)).locator("svg")
        figures, cells = drawn.locator(".role-mark.mark-text text"), drawn.locator(".role-mark.mark-rect path")
        assert figures.count() == cells.count() > 0
        assert figures.evaluate_all(WIDEST) <= cells.evaluate_all(WIDEST)
