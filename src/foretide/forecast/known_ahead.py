"""What is known of days to come, as it is given: holidays of a country, own events, prices and promotions."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import polars as pl

from foretide.errors import MappingError, UsageError
from foretide.events.sources.frames import to_polars
from foretide.features.calendar import ALSO, CALENDAR, country_holidays, known_days
from foretide.forecast.frame_rows import moments, names, numbers, with_index

#: Other names of the columns of events, as in a file of them.
EVENT_NAMES = {"name": "event", **{other: "ds" for other, one in ALSO.items() if one == "start"}, "start": "ds"}


class KnownAhead(NamedTuple):
    """What is known of the days of a panel and of those to come."""

    events: pl.DataFrame | None  # ``CALENDAR``
    covariates: pl.DataFrame | None  # ``ds`` in days, ``unique_id`` if they are of single series, numbers
    notes: tuple[str, ...]  # codes, ``forecast.note`` of the catalogue


def known_ahead(events: Any, holidays: str | None, covariates: Any, first: date, last: date) -> KnownAhead:
    """Read what is given; holidays are those from one day to another.

    Raises
    ------
    MappingError
        If a column is missing or cannot be read.
    UsageError
        If no holidays are known of the country.
    """
    if not isinstance(holidays, str | None):
        raise UsageError(f"holidays must be a code such as DE or DE-BY, not {holidays!r}")
    own = None if events is None else events_of(events)
    known = own if holidays is None else known_days(own, country_holidays(holidays, first, last))
    figures = None if covariates is None else covariates_of(covariates)
    early = figures is not None and end_early(figures, last)
    return KnownAhead(known, figures, ("covariates_end",) if early else ())


def events_of(frame: Any) -> pl.DataFrame:
    """Return a frame of events as ``CALENDAR``: of one day without an ``end``, about all without a ``category``."""
    table = to_polars(with_index(frame), "events")
    table = table.rename(
        {old: new for old, new in EVENT_NAMES.items() if old in table.columns and new not in table.columns}
    )
    needed(table, ("event", "ds"), "events")
    ds = moments(table["ds"], "events").dt.date()
    end = moments(table["end"], "events").dt.date().fill_null(ds) if "end" in table.columns else ds.alias("end")
    about = names(table["category"], "events") if "category" in table.columns else pl.lit(None)
    told = pl.DataFrame([names(table["event"], "events"), ds, end]).with_columns(category=about)
    wrong = told.filter(pl.any_horizontal(pl.col("event", "ds").is_null()) | (pl.col("end") < pl.col("ds")))
    if wrong.height:
        raise MappingError(f"events: {wrong.row(0)[:3]} has no name or day, or ends before it begins; put it right")
    return told.cast(CALENDAR)


def covariates_of(frame: Any) -> pl.DataFrame:
    """Return a frame of covariates as ``ds`` in days, ``unique_id`` as text if there is one, and numbers.

    What is not finite is missing.

    Raises
    ------
    MappingError
        If there is no ``ds`` or no covariate, or a column cannot be read.
    """
    table = to_polars(with_index(frame), "covariates")
    needed(table, ("ds",), "covariates")
    values = [name for name in table.columns if name not in ("unique_id", "ds")]
    if not values:
        raise MappingError("covariates: there is no column beside unique_id and ds; give a price or another figure")
    keys = [moments(table["ds"], "covariates").dt.date()]
    keys += [names(table["unique_id"], "covariates")] if "unique_id" in table.columns else []
    told = pl.DataFrame([*keys, *(numbers(table[name], "covariates") for name in values)])
    return told.with_columns(pl.when(pl.col(name).is_finite()).then(name) for name in values)


def needed(table: pl.DataFrame, columns: tuple[str, ...], frame: str) -> None:
    """Raise a MappingError if a column is missing."""
    if missing := [name for name in columns if name not in table.columns]:
        raise MappingError(f"{frame}: there is no column {missing[0]!r}; the columns are {', '.join(table.columns)}")


def end_early(covariates: pl.DataFrame, last: date) -> bool:
    """Tell whether a covariate is not known up to the last day that is forecast, of any series that has it."""
    keys = [name for name in ("unique_id",) if name in covariates.columns]
    for name in covariates.columns:
        if name in ("unique_id", "ds"):
            continue
        there = covariates.drop_nulls(name)
        ends = there.group_by(keys).agg(pl.col("ds").max())["ds"] if keys else there["ds"].sort().tail(1)
        if (ends < last).any():
            return True
    return False
