"""The section on the account of growth ahead: who will come, come back and leave, so that it adds up."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from foretide.report import charts
from foretide.report.blocks import Columns, Figure, Section, Swatch, Table, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import WEEK_DAYS, last_date, weekly_account
from foretide.report.wording import day, number, percent, sentences, signed, strong
from foretide.text import say
from foretide.users.mix_weights import TOGETHER

#: Weeks of the past that are drawn before those to come.
WEEKS_BEFORE = 12
FLOWS = ("new", "resurrected", "lost")
CHAIN = "chain"


def population(data: ReportData) -> Section | None:
    """Give the account of active users ahead."""
    if not given(data.stage_history):
        return None
    title = say("ahead.population.title")
    if not (given(data.account_ahead) and given(data.accounting)):
        return Section("population", title, say("ahead.population.none"))
    account, before = data.account_ahead.sort("ds"), int(data.accounting.sort("ds")["active"][-1])
    weekly = weeks_ahead(account)
    drawn = growth_figure(data, data.accounting, weekly)
    remark = sentences([weighed(data), quality_words(data)])
    sentence = balance(account, before)
    return Section("population", title, sentence, (drawn,), (week_table(weekly, before),), remark=remark)


def balance(account: pl.DataFrame, before: int) -> str:
    """Say who will come and go until the end of the horizon."""
    sums = (float(account[flow].sum()) for flow in FLOWS)
    new, resurrected, lost = whole(before, float(account["active"][-1]), *sums)
    return say(
        "ahead.population.sentence",
        date=day(last_date(account)),
        new=strong(number(new)),
        resurrected=strong(number(resurrected)),
        lost=strong(number(lost)),
        net=strong(signed(new + resurrected - lost, 0)),
        before=number(before),
        after=number(before + new + resurrected - lost),
    )


def whole(before: int, after: float, new: float, resurrected: float, lost: float) -> tuple[int, int, int]:
    """Return expected flows as whole users that lead from ``before`` to the rounded ``after``.

    What rounding leaves over goes to the larger gain or to the losses, none of which gets smaller by it.
    """
    came, back, left = round(new), round(resurrected), round(lost)
    over = round(after) - (before + came + back - left)
    if over < 0:
        return came, back, left - over
    return (came + over, back, left) if new > resurrected else (came, back + over, left)


def weeks_ahead(account: pl.DataFrame) -> pl.DataFrame:
    """Return ``start, ds, new, resurrected, lost, active``: blocks of seven days from the first one on."""
    block = (pl.col("ds") - pl.lit(account["ds"].min())).dt.total_days() // WEEK_DAYS
    blocks = account.group_by(block.alias("block")).agg(
        (pl.col("ds").min() - pl.duration(days=1)).alias("start"),
        pl.col("ds").max(),
        *(pl.col(flow).sum() for flow in FLOWS),
        pl.col("active").sort_by("ds").last(),
    )
    return blocks.sort("ds").drop("block")


def growth_figure(data: ReportData, accounting: pl.DataFrame, weekly: pl.DataFrame) -> Figure:
    """Return the bars of the flows by week, past and expected."""
    past = weekly_account(accounting).filter(pl.col("ds") > data.last_day - timedelta(weeks=WEEKS_BEFORE))
    ahead = weekly.with_columns(-pl.col("lost")).unpivot(
        FLOWS, index=["start", "ds"], variable_name="flow", value_name="users"
    )
    both = pl.concat([part.with_columns(pl.col("users").cast(pl.Float64)) for part in (past, ahead)])
    flows = [Swatch(colour, say(f"report.flow.{flow}")) for flow, colour in charts.FLOWS.items()]
    return figure(
        "population",
        say("ahead.population.chart"),
        charts.growth(both, data.last_day),
        legend=(*flows, Swatch("ink", say("report.flow.net"))),
        table=flow_table(both, data.last_day),
    )


def flow_table(flows: pl.DataFrame, last: date) -> Table:
    """Return the figures of the chart, what is expected first."""
    wide = flows.pivot("flow", index="ds", values="users").sort("ds", descending=True)
    wide = wide.with_columns(net=pl.sum_horizontal(*FLOWS), told=pl.col("ds") > last)
    columns: Columns = {
        "ds": (say("report.word.week"), day),
        "told": ("", lambda told: say(f"report.word.{'forecast' if told else 'past'}")),
    }
    columns |= {flow: (say(f"report.flow.{flow}"), lambda x: signed(x, 0)) for flow in (*FLOWS, "net")}
    return table(say("ahead.population.caption"), wide, columns, n_names=2)


def week_table(weekly: pl.DataFrame, before: int) -> Table:
    """Return the account week by week; each row leads from the active users before it to its own."""
    known = pl.col("active").shift(1, fill_value=float(before))
    rows = weekly.with_columns(before=known, net=pl.col("active") - known, lost=-pl.col("lost"))
    columns: Columns = {
        "ds": (say("ahead.population.until"), day),
        "before": (say("ahead.population.before"), lambda x: number(x, 1)),
    }
    columns |= {flow: (say(f"report.flow.{flow}"), lambda x: signed(x, 1)) for flow in (*FLOWS, "net")}
    columns["active"] = (say("ahead.population.after"), lambda x: number(x, 1))
    return table(say("ahead.population.account"), rows, columns)


def weighed(data: ReportData) -> str:
    """Say what the forecast of the stages is made of."""
    if not given(data.mix_weights):
        return ""
    weights = dict(data.mix_weights.select("model", "weight").iter_rows())
    return say("ahead.population.weighed", **{model: percent(weight, 0) for model, weight in weights.items()})


def quality_words(data: ReportData) -> str:
    """Say how far the shares of the stages were off at earlier dates."""
    if not given(data.mix_quality):
        return say("ahead.population.untested")
    off = dict(data.mix_quality.select("model", "all_days").iter_rows())
    return say("ahead.population.quality", error=number(off[TOGETHER], 2), chain=number(off[CHAIN], 2))
