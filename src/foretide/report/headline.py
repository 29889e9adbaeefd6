"""The first screen: one sentence with figures, a few tiles, the lifecycle with its fan."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from foretide.report import charts
from foretide.report.blocks import Columns, Figure, Swatch, Table, Tile, figure, polylines, table
from foretide.report.data import ReportData, given
from foretide.report.figures import (
    WEEK_DAYS,
    Expectation,
    expectation,
    forecast_blocks,
    last_date,
    movers,
    outlook_end,
    pace,
    stage_now,
    stage_users,
    staying,
    staying_users,
    thinned,
)
from foretide.report.wording import change, day, number, percent, points, sentences, strong
from foretide.schema import STAGES
from foretide.text import say

#: Tiles on the first screen, at most.
MAX_TILES = 5
#: A tile's line shows about half a year.
TILE_WEEKS = 26


def lead(data: ReportData) -> str:
    """Return the sentence that answers the report's question."""
    if given(data.stage_history):
        return sentences([*users_lead(data), *interest_lead(data)])
    if given(data.activity_history) and given(data.activity_forecast):
        return series_lead(data)
    return sentences(interest_lead(data))


def users_lead(data: ReportData) -> Iterator[str]:
    """Yield how many users there are, and how many of them are expected to be active."""
    active = active_users(data)
    n_users = data.n_users or sum(stage_now(data.stage_history).values())  # type: ignore[arg-type]
    yield say("report.lead.users", users=strong(number(n_users)), active=strong(number(active.now)))
    if not given(data.stage_forecast):
        return
    words = {
        "ahead": strong(number(active.ahead, 0)),
        "days": data.horizon_days,
        "date": day(last_date(data.stage_forecast)),
        "change": change(active.ratio),
    }
    if active.lo is None or active.hi is None:
        yield say("report.lead.ahead_point", **words)
    else:
        yield say("report.lead.ahead", bounds=bounds(active.lo, active.hi), **words)


def bounds(lo: float, hi: float) -> str:
    """Return the ends of an interval of counts."""
    return say("report.format.low_high", lo=number(lo, 0), hi=number(hi, 0))


def active_users(data: ReportData) -> Expectation:
    """Return the users who are not churned, now and at the horizon."""
    past, fan = staying(*stage_users(data.stage_history, data.stage_forecast))  # type: ignore[arg-type]
    now = float(past["users"][-1])
    return Expectation(now, now) if fan.is_empty() else expectation(now, fan)


def interest_lead(data: ReportData) -> Iterator[str]:
    """Yield which interest is expected to gain most."""
    if not (given(data.interest_history) and given(data.interest_forecast)):
        return
    first = next(movers(data.interest_history, data.interest_forecast).iter_rows(named=True), None)
    if first is None or first["change"] <= 0:
        yield say("report.lead.none_grows")
    else:
        name, share = strong(first["category"]), strong(percent(first["ahead"]))
        yield say("report.lead.grows", name=name, change=points(first["change"]), share=share)


def series_lead(data: ReportData) -> str:
    """Return what is expected of the largest series."""
    largest, expected = next(paces(data))
    key = "series_same" if abs(expected.ratio - 1) < 0.0005 else "series"
    n = data.activity_history["unique_id"].n_unique()  # type: ignore[index]
    return say(
        f"report.lead.{key}",
        n=strong(number(n)),
        name=strong(series_name(largest)),
        ahead=strong(number(expected.ahead)),
        change=change(expected.ratio),
        days=data.horizon_days,
    )


def paces(data: ReportData) -> Iterator[tuple[str, Expectation]]:
    """Yield the pace of each activity series that has a forecast: the known ones, then the largest first."""
    history, forecast = data.activity_history, data.activity_forecast
    assert history is not None
    assert forecast is not None
    known = {"events": 0, "users": 1, "value": 2}
    sizes = history.group_by("unique_id").agg(pl.col("y").sum()).sort("y", "unique_id", descending=[True, False])
    ids = sorted(sizes["unique_id"].to_list(), key=lambda name: known.get(name, len(known)))
    for name in ids:
        past, ahead = (frame.filter(pl.col("unique_id") == name) for frame in (history, forecast))
        if not ahead.is_empty():
            yield name, pace(past, ahead, data.horizon_days)


#: Series of foretide's own, by what they are called.
OWN_SERIES = frozenset({"events", "users", "value"})


def series_name(unique_id: str) -> str:
    """Return the words for a series: foretide's own have names, others keep theirs."""
    return say(f"report.activity.{unique_id}") if unique_id in OWN_SERIES else unique_id


def tiles(data: ReportData) -> list[Tile]:
    """Return the key figures of the first screen."""
    found = [*stage_tiles(data), *activity_tiles(data), *silent_tile(data), *interest_tile(data)]
    return found[:MAX_TILES]


def stage_tiles(data: ReportData) -> Iterator[Tile]:
    """Yield active users and users at risk."""
    if not given(data.stage_history):
        return
    history, ahead = stage_users(data.stage_history, data.stage_forecast)
    past, fan = staying(history, ahead)
    yield stock_tile(say("report.tile.active"), past, fan)
    risky = "at_risk"
    later = ahead if ahead.is_empty() else ahead.filter(pl.col("stage") == risky)
    yield stock_tile(say("report.tile.at_risk"), history.filter(pl.col("stage") == risky).sort("ds"), later)


def stock_tile(label: str, past: pl.DataFrame, ahead: pl.DataFrame) -> Tile:
    """Return a tile on a number of users."""
    now = float(past["users"][-1]) if past.height else 0.0
    weekly = thinned(past, [], "users", stock=True)["users"].tail(TILE_WEEKS).to_list()
    if ahead.is_empty():
        return Tile(label, number(now), "", *polylines(weekly, []))
    expected = expectation(now, ahead)
    words = say("report.tile.expected", ahead=number(expected.ahead, 0), change=change(expected.ratio))
    return Tile(label, number(now), words, *polylines(weekly, ahead.sort("ds")["mean"].gather_every(7, 6).to_list()))


def activity_tiles(data: ReportData) -> Iterator[Tile]:
    """Yield the pace of the first series: one if there are stages too, else several."""
    if not (given(data.activity_history) and given(data.activity_forecast)):
        return
    shown = 1 if given(data.stage_history) else MAX_TILES
    for (name, expected), _ in zip(paces(data), range(shown), strict=False):
        own = pl.col("unique_id") == name
        past = thinned(data.activity_history.filter(own), [], "y")["y"].tail(TILE_WEEKS).to_list()
        blocks = forecast_blocks(data.activity_forecast.filter(own), weekly=True).sort("ds")
        label = say(f"report.tile.{name}") if name in OWN_SERIES else name
        words = say("report.tile.expected", ahead=number(expected.ahead), change=change(expected.ratio))
        yield Tile(label, number(expected.now), words, *polylines(past, blocks["share"].to_list()))


def silent_tile(data: ReportData) -> Iterator[Tile]:
    """Yield how many users are expected to show no activity in the horizon."""
    if not given(data.outlook):
        return
    users = staying_users(data.outlook)
    if users.is_empty():
        return
    silent = float(users["p_inactive"].sum())
    words = say(
        "report.tile.of_users",
        share=percent(silent / users.height),
        users=number(users.height),
        days=data.horizon_days,
        date=day(outlook_end(data)),
    )
    yield Tile(say("report.tile.silent"), number(silent, 0), words)


def interest_tile(data: ReportData) -> Iterator[Tile]:
    """Yield the interest that is expected to gain most."""
    if not (given(data.interest_history) and given(data.interest_forecast)):
        return
    for first in movers(data.interest_history, data.interest_forecast).head(1).iter_rows(named=True):
        own = pl.col("unique_id") == first["category"]
        past = thinned(data.interest_history, ["unique_id"], "y").filter(own)["y"].tail(TILE_WEEKS).to_list()
        ahead = forecast_blocks(data.interest_forecast.filter(own), weekly=True).sort("ds")["share"].to_list()
        words = say("report.tile.share_ahead", change=points(first["change"]), share=percent(first["ahead"]))
        yield Tile(say("report.tile.interest"), first["category"], words, *polylines(past, ahead))


def lifecycle(data: ReportData) -> Figure | None:
    """Return the chart of the first screen, if there are stages."""
    if not given(data.stage_history):
        return None
    history, ahead = stage_users(data.stage_history, data.stage_forecast)
    past, fan = staying(history, ahead)
    drawn = charts.lifecycle(
        thinned(history, ["stage"], "users", stock=True), ahead, thinned(past, [], "users", stock=True), fan
    )
    return figure(
        "lifecycle",
        say("report.lifecycle.title"),
        drawn,
        legend=stage_legend(data),
        table=stage_table(data, history, ahead),
    )


def stage_legend(data: ReportData) -> tuple[Swatch, ...]:
    """Return the stages with how many users are in them now and at the horizon."""
    now = stage_now(data.stage_history)  # type: ignore[arg-type]
    _, ahead = stage_users(data.stage_history, data.stage_forecast)  # type: ignore[arg-type]
    later = {} if ahead.is_empty() else at_horizon(ahead)
    return tuple(
        Swatch(
            f"stage-{stage}",
            say(f"stage.{stage}"),
            say("report.lifecycle.legend", now=number(now[stage]), ahead=number(later[stage], 0))
            if stage in later
            else number(now[stage]),
        )
        for stage in STAGES
    )


def at_horizon(ahead: pl.DataFrame) -> dict[str, float]:
    """Return the expected users by stage on the last day of the forecast."""
    return dict(ahead.filter(pl.col("ds") == ahead["ds"].max()).select("stage", "mean").iter_rows())


def stage_table(data: ReportData, history: pl.DataFrame, ahead: pl.DataFrame) -> Table:
    """Return users by stage in the past and ahead, every seventh day, newest first."""
    later = [] if ahead.is_empty() else [ahead.select("ds", "stage", users="mean")]
    days = pl.concat([history.select("ds", "stage", "users"), *later])
    apart = (pl.col("ds") - pl.lit(data.last_day)).dt.total_days() % WEEK_DAYS == 0
    wide = days.filter(apart).pivot("stage", index="ds", values="users").sort("ds", descending=True)
    columns: Columns = {"ds": (say("report.word.day"), day)} | {
        stage: (say(f"stage.{stage}"), lambda x: number(x, 0)) for stage in STAGES if stage in wide.columns
    }
    return table(say("report.lifecycle.title"), wide, columns, note=say("report.weekly"))
