"""How the report looks: the palette, chosen once for light and dark, and the style of the charts.

Charts name colours by CSS variable only (``var(--stage-new)``), so the page decides about light, dark and print,
and a chart follows without being drawn again. Neighbouring colours stay apart under the common kinds of colour
blindness, which the tests verify by simulation (Machado, Oliveira and Fernandes 2009).
"""

from __future__ import annotations

from typing import Any

from foretide.text import say

#: Text, lines and surfaces: (light, dark).
SURFACES = {
    "page": ("#f6f7f9", "#0f1318"),
    "card": ("#ffffff", "#171c23"),
    "ink": ("#17202b", "#e8ecf1"),
    "muted": ("#5b6675", "#98a3b2"),
    "line": ("#e3e7ec", "#2a313b"),
    "tint": ("#eef2f7", "#1e2530"),
    "accent": ("#1b5e9f", "#6fb1ee"),
    "gain": ("#1f7a8c", "#4fb8c9"),
    "loss": ("#c8641b", "#ec9a55"),
    "shade": ("#17202b24", "#000000a0"),
}
#: Lifecycle stages, in the order of ``schema.STAGES``.
STAGE_COLOURS = {
    "stage-new": ("#8fcbe8", "#9ad3ef"),
    "stage-growing": ("#1f8a84", "#38a877"),
    "stage-active": ("#2b5f9e", "#4f86c9"),
    "stage-resurrected": ("#b79ad8", "#c3a9e0"),
    "stage-at_risk": ("#e39a2d", "#e8a94b"),
    "stage-churned": ("#d3d8df", "#444d59"),
}
#: Interests by rank; the last is everything else.
INTEREST_COLOURS = {
    "interest-0": ("#2b5f9e", "#4f86c9"),
    "interest-1": ("#8fcbe8", "#9ad3ef"),
    "interest-2": ("#2f7d5b", "#4f9e79"),
    "interest-3": ("#e0c766", "#e3cf7c"),
    "interest-4": ("#b4552d", "#cf7148"),
    "interest-5": ("#e9a9a0", "#eeb8b0"),
    "interest-6": ("#7a3f76", "#9d619a"),
    "interest-7": ("#9d99d6", "#c3c1ea"),
    "interest-other": ("#d3d8df", "#444d59"),
}
#: Words on a stage or an interest: dark on the light colours, light on the deep ones.
DARK_INK, LIGHT_INK = "#10161d", "#ffffff"
DEEP_INTERESTS = frozenset({0, 2, 4, 6})
#: Room around a chart, in pixels: above it stand the words past and forecast.
PADDING = {"left": 0, "right": 6, "top": 20, "bottom": 6}
#: From nothing to much, for heat maps.
HEAT_COLOURS = {
    "heat-0": ("#eef3f8", "#1c232c"),
    "heat-1": ("#d3e3f1", "#1f3347"),
    "heat-2": ("#aacbe5", "#234a6b"),
    "heat-3": ("#78abd4", "#2b6592"),
    "heat-4": ("#4588bd", "#3f86bb"),
    "heat-5": ("#21649d", "#6cadde"),
    "heat-6": ("#0f3f6d", "#b5daf6"),
}
#: Words on them: which colours are deep differs between light and dark.
HEAT_INKS = {
    "heat-ink-0": (DARK_INK, LIGHT_INK),
    "heat-ink-1": (DARK_INK, LIGHT_INK),
    "heat-ink-2": (DARK_INK, LIGHT_INK),
    "heat-ink-3": (DARK_INK, LIGHT_INK),
    "heat-ink-4": (DARK_INK, DARK_INK),
    "heat-ink-5": (LIGHT_INK, DARK_INK),
    "heat-ink-6": (LIGHT_INK, DARK_INK),
}
PALETTE = SURFACES | STAGE_COLOURS | INTEREST_COLOURS | HEAT_COLOURS | HEAT_INKS
FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "PingFang SC", '
    '"Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif'
)


def variable(name: str) -> str:
    """Return a colour of the palette as charts and style sheets name it."""
    if name not in PALETTE:
        raise KeyError(name)
    return f"var(--{name})"


def declarations(dark: bool) -> str:
    """Return the palette as CSS declarations."""
    return "".join(f"--{name}:{pair[dark]};" for name, pair in PALETTE.items())


def chart_config() -> dict[str, Any]:
    """Return the style that every chart shares."""
    axis = {
        "labelColor": variable("muted"),
        "labelFontSize": 11,
        "labelPadding": 6,
        "titleColor": variable("muted"),
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "domain": False,
        "ticks": False,
        "grid": False,
    }
    return {
        "font": FONT,
        "background": "transparent",
        "padding": PADDING,
        "view": {"stroke": None},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "axis": axis,
        "axisX": {"labelOverlap": True, "labelFlush": True},
        "axisY": {"tickCount": 4},
        "axisQuantitative": {"grid": True, "gridColor": variable("line"), "gridWidth": 1},
        "text": {"font": FONT, "fontSize": 11, "color": variable("ink"), "aria": False},
        "mark": {"aria": False},
    }


def number_locale() -> dict[str, Any]:
    """Return how d3 writes numbers in the current language."""
    sign = say("report.format.percent", n="")
    return {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""], "percent": sign, "minus": "−"}


def time_locale() -> dict[str, Any]:
    """Return how d3 writes dates in the current language."""
    months = say("report.format.months").split()
    days = say("report.format.weekdays").split()
    sunday_first = [days[6], *days[:6]]
    return {
        "dateTime": "%Y-%m-%d %H:%M",
        "date": "%Y-%m-%d",
        "time": "%H:%M",
        "periods": ["AM", "PM"],
        "days": sunday_first,
        "shortDays": sunday_first,
        "months": months,
        "shortMonths": months,
    }
