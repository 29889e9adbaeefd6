"""Numbers, dates and emphasis as a reader of the current language writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from markupsafe import Markup, escape

from foretide.text import say

#: Unicode isolates mark what a sentence stresses until it becomes HTML.
STRONG, END_STRONG = "\u2068", "\u2069"
_ISOLATES = {ord(STRONG): None, ord(END_STRONG): None}


def strong(text: str) -> str:
    """Mark a figure or a name to be stressed; isolates that it has itself are taken out."""
    return f"{STRONG}{text.translate(_ISOLATES)}{END_STRONG}"


def emphasised(text: str) -> Markup:
    """Return a sentence as HTML: everything escaped, stressed parts in ``<strong>``."""
    html = str(escape(text)).replace(STRONG, "<strong>").replace(END_STRONG, "</strong>")
    return Markup(html)  # noqa: S704 - escaped in the line above


def number(x: float | None, digits: int | None = None) -> str:
    """Return ``2,469``; without ``digits`` small numbers keep two or one decimals, whole ones none."""
    if x is None or x != x:  # noqa: PLR0124 - NaN
        return "–"
    if digits is None:
        digits = 0 if abs(x) >= 100 or float(x).is_integer() else 1 if abs(x) >= 10 else 2
    return f"{x:,.{digits}f}".replace("-", "−")


def percent(x: float | None, digits: int = 1) -> str:
    """Return ``12.3 %`` for 0.123."""
    return "–" if x is None else say("report.format.percent", n=number(100 * x, digits))


def signed(x: float, digits: int = 1) -> str:
    """Return ``+0.8`` or ``−0.8``."""
    return f"{'+' if x > 0 else ''}{number(x, digits)}"


def points(x: float) -> str:
    """Return a difference of shares in percentage points, signed."""
    return say("report.format.points", n=signed(100 * x, 2))


def day(when: date) -> str:
    """Return ``31 Dec 2017``."""
    month = say("report.format.months").split()[when.month - 1]
    return say("report.format.date", day=when.day, month=month, year=when.year)


def weekday(index: int) -> str:
    """Return the name of a weekday, 1 for Monday."""
    return say("report.format.weekdays").split()[index - 1]


def weekday_in_full(index: int) -> str:
    """Return the name of a weekday as a sentence has it."""
    return say("report.format.weekdays_in_full").split()[index - 1]


def hour(index: int) -> str:
    """Return an hour of the day as on a clock."""
    return f"{index % 24:02d}:00"


def change(ratio: float, of: str = "change") -> str:
    """Return ``3.1 % more``, ``3.1 % fewer`` or ``about the same`` for the ratio of later to earlier.

    ``of`` names the words of the catalogue: ``change`` for amounts, ``error`` for errors.
    """
    if abs(ratio - 1) < 0.0005:
        return say("report.change.same")
    return say(f"report.{of}.{'more' if ratio > 1 else 'fewer'}", n=percent(abs(ratio - 1)))


def sentences(parts: Iterable[str]) -> str:
    """Put sentences after each other as the language does."""
    return say("report.format.between_sentences").join(part for part in parts if part)


def titled(words: str) -> str:
    """Return words of our own as they begin a title."""
    return words[:1].upper() + words[1:]


def listing(parts: Sequence[str]) -> str:
    """Join clauses into one list as the language does."""
    return say("report.format.comma").join(parts)
