"""What is asked of a forecast, checked at the border: numbers of the right kind, names that there are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal, get_args

from foretide.errors import UsageError

Gaps = Literal["last", "zero"]


def whole_number(value: Any, name: str) -> int:
    """Return a whole number, of whatever type it is.

    Raises
    ------
    UsageError
        If it is none.
    """
    try:
        if not isinstance(value, bool | str) and int(value) == value:
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise UsageError(f"{name} must be a whole number, not {value!r}")


def whole_numbers(values: Any, name: str) -> tuple[int, ...]:
    """Return one whole number or several as a tuple."""
    several = values if isinstance(values, Iterable) and not isinstance(values, str) else (values,)
    return tuple(whole_number(value, name) for value in several)


def seasons(values: Any) -> tuple[int, ...]:
    """Return the lengths of seasons, each at least 1."""
    lengths = whole_numbers(values, "season_length")
    if not lengths or min(lengths) < 1:
        raise UsageError(f"season_length must be at least 1 step, not {values!r}; 1 is none")
    return lengths


def names(values: Any) -> tuple[str, ...]:
    """Return names of models as a tuple.

    Raises
    ------
    UsageError
        If they are no list of names.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise UsageError(f"models are a list of names such as ['lightgbm'], or () for none; not {values!r}")
    return tuple(values)


def check_gaps(gaps: str) -> None:
    """Raise a UsageError if gaps are to be read in a way that there is not."""
    if gaps not in get_args(Gaps):
        raise UsageError(f"gaps must be {' or '.join(get_args(Gaps))}, not {gaps!r}")


def moment_asked(until: date | str | None) -> date | None:
    """Return a day or moment, also one that is written in ISO 8601.

    Raises
    ------
    UsageError
        If it is none.
    """
    if until is None or isinstance(until, date):
        return until
    try:
        return datetime.fromisoformat(until)
    except (TypeError, ValueError):
        raise UsageError(f"until={until!r} is no day or moment; write 2026-03-31 or 2026-03-31T18:00") from None
