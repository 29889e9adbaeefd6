"""What the report is told: plain tables, each of which may be missing.

The report asks no questions of a workspace; whoever calls it hands over a :class:`ReportData`. A table that is
None or empty leaves its section out, so that ready-made series alone still give activity, forecast and backtest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeGuard
from zoneinfo import ZoneInfo

import polars as pl


@dataclass(frozen=True)
class ReportData:
    """The figures of one report.

    Parameters
    ----------
    title
        Name of the workspace.
    as_of
        Moment up to which everything is known, exclusive; a naive time is UTC.
    horizon_days
        How far the forecasts go.
    timezone
        IANA zone in which the days are days.
    n_events, n_users
        Size of the log; None where there is none.
    activity_history, activity_forecast
        Daily totals: ``unique_id, ds, y`` and the forecast's columns. With events, the ids are ``events``,
        ``users`` and ``value``; otherwise whatever the series are called.
    stage_history, stage_forecast
        ``schema.STAGE_COUNTS``, and for each stage the users expected in it, with those who will have arrived.
    account_ahead, mix_weights, mix_quality
        ``growth.ACCOUNTING_AHEAD``; how much each forecast of the mix counts, ``model, weight``; and how far they were
        off at earlier origins, ``stage_tables.QUALITY``.
    what_ifs
        ``ahead.WHAT_IFS``: what standing changes would do to the active users at the horizon.
    accounting, retention, habits
        ``schema.ACCOUNTING``, ``schema.RETENTION`` and ``schema.HABITS``.
    retention_by_day
        ``schema.RETENTION`` by the kinds that count days: ``n-day``, ``bracket``, ``unbounded``.
    stickiness
        ``cohorts.STICKINESS``.
    calendar, effects, interest_effects
        What was known to happen, ``calendar.CALENDAR``; ``effects.EFFECTS`` of each event on what it is about, and of
        those about everything on single interests.
    moves, move_days
        ``moves.MATRICES``: from which stage to which, over how many days.
    drift, habit_drift
        ``drift.DRIFT`` of interests and of habits.
    change_points
        ``change_points.CHANGE_POINTS``; without rows no rate changed its level.
    interest_history, interest_forecast
        ``unique_id`` is a category; ``y`` and ``mean`` are its share of the day.
    interest_quality
        ``interest_scores.INTEREST_QUALITY``: how well users' expected mixes told what they turned to.
    backtests
        For each thing forecast: ``model, mase, rmsse, mse, rmse, mae, r2, coverage_80, coverage_95``.
    outlook, outlook_quality
        ``schema.OUTLOOK`` with the columns of ``further.FURTHER``, and how good it was on earlier dates: ``segment, n,
        base_rate, log_loss, auc, ...``; the latter is shown where ``models`` is missing.
    models, model_margins, model_kept, models_untried
        ``backtest.COMPARISON`` of the models of users and the simple rates on the last whole horizon; ``MARGINS`` over
        all users against the model that tells the outlook; its name; and the names of those that were not tried.
    reliability
        ``stage`` (a group of users) and ``scores.RELIABILITY`` of that model's chances.
    segments, worth, interest_trends
        ``segments.SEGMENTS`` that were found, ``segments.WORTH``: the users worth acting on, and
        ``interest_trends.TRENDS`` of everybody and of these segments.
    importance, explained
        ``reason, mean_size``: how much each reason moves the log-odds of no activity, on average over users; and
        ``explained.EXPLAINED`` of the first users worth acting on.
    findings
        ``schema.FINDINGS``; the words are ``check.<code>.title`` and ``check.<code>.action`` of the catalogue.
    recommendations
        ``schema.RECOMMENDATIONS`` of a few users, as a sample.
    notes
        Remarks on the forecasts, already in words.
    """

    title: str
    as_of: datetime
    horizon_days: int
    timezone: str = "UTC"
    n_events: int | None = None
    n_users: int | None = None
    activity_history: pl.DataFrame | None = None
    activity_forecast: pl.DataFrame | None = None
    stage_history: pl.DataFrame | None = None
    stage_forecast: pl.DataFrame | None = None
    account_ahead: pl.DataFrame | None = None
    mix_weights: pl.DataFrame | None = None
    mix_quality: pl.DataFrame | None = None
    what_ifs: pl.DataFrame | None = None
    accounting: pl.DataFrame | None = None
    interest_history: pl.DataFrame | None = None
    interest_forecast: pl.DataFrame | None = None
    interest_quality: pl.DataFrame | None = None
    retention: pl.DataFrame | None = None
    retention_by_day: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    stickiness: pl.DataFrame | None = None
    habits: pl.DataFrame | None = None
    calendar: pl.DataFrame | None = None
    effects: pl.DataFrame | None = None
    interest_effects: pl.DataFrame | None = None
    moves: pl.DataFrame | None = None
    move_days: int = 28
    drift: pl.DataFrame | None = None
    habit_drift: pl.DataFrame | None = None
    change_points: pl.DataFrame | None = None
    backtests: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    outlook: pl.DataFrame | None = None
    outlook_quality: pl.DataFrame | None = None
    models: pl.DataFrame | None = None
    model_margins: pl.DataFrame | None = None
    model_kept: str = ""
    models_untried: tuple[str, ...] = ()
    reliability: pl.DataFrame | None = None
    segments: pl.DataFrame | None = None
    worth: pl.DataFrame | None = None
    interest_trends: pl.DataFrame | None = None
    importance: pl.DataFrame | None = None
    explained: pl.DataFrame | None = None
    findings: pl.DataFrame | None = None
    recommendations: pl.DataFrame | None = None
    notes: tuple[str, ...] = ()

    @property
    def last_day(self) -> date:
        """Last local day of which something is known."""
        zone = ZoneInfo(self.timezone)
        moment = self.as_of if self.as_of.tzinfo else self.as_of.replace(tzinfo=ZoneInfo("UTC"))
        return (moment.astimezone(zone) - timedelta(microseconds=1)).date()


def given(frame: pl.DataFrame | None) -> TypeGuard[pl.DataFrame]:
    """Tell whether a table is there and has rows."""
    return frame is not None and not frame.is_empty()
