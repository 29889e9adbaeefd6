"""Global learners on lags, and known events, beside the seasonal naive and the default engine.

    python benchmarks/learners_forecast.py [--series 60] [--part learners|events|prices]

Learners: the category panel of ``forecast_complete_journey.py``, h = 28, its test origins 278 and 334; every learner,
direct and recursive, is trained anew at each origin. MASE (m = 7) of the median; CPU time of one origin a series.

Events: US holidays, h = 28, origins two weeks before Thanksgiving, Christmas and the 4 July, each in every year with
at least 400 days before it: MASE of HoltWinters and of HoltWinters with events, over the whole horizon and over the
days of events alone (the holiday and a day on each side). Complete Journey has one year, so that no holiday comes
twice: nothing can be learnt of its holidays, and the row is there to show that nothing is lost either. The other
series are read from ``$FORETIDE_DATA`` (default ``../shared/data``).

Prices: the M5 series with prices and event types as calendar, five origins 28 days apart.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from forecast_complete_journey import SEASON, TEST_ORIGINS, H, complete_journey
from foretide.evaluate.metrics import seasonal_scale
from foretide.features.calendar import CALENDAR, country_holidays
from foretide.forecast.baselines import SeasonalNaive
from foretide.forecast.engine import run
from foretide.forecast.known_events import event_days
from foretide.forecast.method import Method, without_gaps
from foretide.forecast.regression import LEARNERS, STRATEGIES, LagRegression
from foretide.forecast.smoothing import HoltWinters
from foretide.forecast.with_events import WithEvents
from foretide.schema import Floats, Panel

DATA = Path(os.environ.get("FORETIDE_DATA", "../shared/data")) / "behaviour-series"
FEASTS = ("Thanksgiving", "Christmas", "Independence Day")
LEAD_DAYS = 14
LEAST_DAYS = 400


def scaled_errors(panel: Panel, origin: int, said: Floats) -> Floats:
    """Absolute errors over the usual change, ``(n_series, h)``."""
    past, happened = panel.y[:, :origin], panel.y[:, origin : origin + H]
    return np.abs(happened - said) / seasonal_scale(past, SEASON)[:, None]


def by_method(method: Method) -> Callable[[Panel], Floats]:
    return lambda past: method.ahead(past.y, [past.n_steps], H).median[:, 0]


def learners(panel: Panel) -> None:
    sayers = {"SeasonalNaive": by_method(SeasonalNaive(SEASON)), "engine": lambda past: run(past, H).forecast.median}
    for name in LEARNERS:
        for strategy in STRATEGIES:
            sayers[f"{name}, {strategy}"] = by_method(LagRegression(name, strategy, SEASON))
    print(f"{len(panel.ids)} series\n| model | {' | '.join(f'MASE {o}' for o in TEST_ORIGINS)} | CPU ms a series |")
    print("| --- | --- | --- | --- |")
    run(panel.until(TEST_ORIGINS[0]), H)  # compiles
    medians: dict[str, list[Floats]] = {}
    for name, say in sayers.items():
        began = time.process_time()
        medians[name] = [say(panel.until(origin)) for origin in TEST_ORIGINS]
        cpu = 1e3 * (time.process_time() - began) / len(panel.ids) / len(TEST_ORIGINS)
        print(f"| {name} | {mases(panel, medians[name])} | {cpu:.2f} |", flush=True)
    for name in ("lightgbm, direct", "forest, direct", "ridge, direct"):
        both = [np.sqrt((a + 1) * (b + 1)) - 1 for a, b in zip(medians["engine"], medians[name], strict=True)]
        print(f"| geometric mean of engine and {name} | {mases(panel, both)} | |")


def mases(panel: Panel, medians: list[Floats]) -> str:
    said = zip(TEST_ORIGINS, medians, strict=True)
    return " | ".join(f"{np.nanmean(scaled_errors(panel, origin, median)):.4f}" for origin, median in said)


def daily(name: str, rows: pl.DataFrame) -> Panel:
    """Make a panel of one series of ``timestamp, value``: sums by day, the first and last one left out."""
    days = rows.group_by(ds=pl.col("timestamp").dt.date()).agg(pl.col("value").sum()).sort("ds")
    days = days.upsample("ds", every="1d")[1:-1]
    y = np.exp(days["value"].to_numpy()) if name.endswith("_log") else days["value"].to_numpy()
    return Panel([name], days["ds"].to_numpy().astype("datetime64[D]"), without_gaps(y[None].astype(np.float64)))


def behaviour() -> Iterator[tuple[str, str, Panel]]:
    """Name, country and panel of each series of several years."""
    if not (DATA / "series.parquet").exists():
        print(f"no data in {DATA}")
        return
    rows = pl.read_parquet(DATA / "series.parquet")
    for name, country in {
        "melbourne_pedestrians_daily": "AU-VIC",
        "washington_bikesharing_hourly": "US",
        "wikipedia_peyton_manning_log": "US",
        "wikipedia_R_log": "US",
    }.items():
        yield name, country, daily(name, rows.filter(series_id=name))


def events(panel: Panel, name: str, country: str, least: int = LEAST_DAYS) -> None:
    first = panel.dates[0].astype(object)
    known = country_holidays(country, first, panel.dates[-1].astype(object))
    feasts = known.filter(pl.any_horizontal(pl.col("event").str.contains(feast) for feast in FEASTS))
    origins = sorted({(ds - first).days - LEAD_DAYS for ds in feasts["ds"]})
    origins = [o for o in origins if o >= least and o + H <= panel.n_steps]
    if not origins:
        print(f"| {name} | no feast with {least} days before it |")
        return
    models = {"plain": HoltWinters(), "aware": WithEvents(HoltWinters(), known, first)}
    special = np.zeros(panel.n_steps + H, dtype=bool)
    for steps, _ in event_days(known, first, panel.n_steps, len(panel.ids)).values():
        special[steps] = True
    whole, apart = [], []
    for origin in origins:
        errors = [scaled_errors(panel, origin, by_method(model)(panel.until(origin))) for model in models.values()]
        whole.append([np.nanmean(each) for each in errors])
        apart.append([np.nanmean(each[:, special[origin : origin + H]]) for each in errors])
    better = np.mean([aware < plain for plain, aware in whole])
    figures = " | ".join(f"{plain:.3f} | {aware:.3f}" for plain, aware in (np.mean(whole, 0), np.mean(apart, 0)))
    print(f"| {name} | {len(origins)} | {figures} | {better:.2f} |", flush=True)


def prices() -> None:
    if not (DATA / "m5_exog.parquet").exists():
        print(f"no data in {DATA}")
        return
    rows = pl.read_parquet(DATA / "m5_exog.parquet").with_columns(ds=pl.col("timestamp").dt.date())
    wide = rows.pivot("series_id", index="ds", values="value").sort("ds")
    # the last month has no figures
    wide = wide.filter(pl.col("ds") <= wide.filter(pl.sum_horizontal(pl.exclude("ds")) > 0)["ds"].max())
    ids = wide.columns[1:]
    panel = Panel(
        ids, wide["ds"].to_numpy().astype("datetime64[D]"), without_gaps(wide.drop("ds").to_numpy().T.astype(float))
    )
    first: date = wide["ds"][0]
    kinds = [column for column in rows.columns if column.startswith("event_type_")]
    flags = rows.filter(series_id=ids[0]).unpivot(kinds, index="ds", variable_name="event", value_name="on")
    flags = flags.filter(pl.col("on") > 0)
    calendar = flags.select("event", "ds", end="ds", category=pl.lit(None, pl.String)).cast(dict(CALENDAR)).sort("ds")
    given = rows.select(unique_id="series_id", ds="ds", price="sell_price").drop_nulls()
    models = {
        "HoltWinters": HoltWinters(),
        "with events": WithEvents(HoltWinters(), calendar, first),
        "with prices": WithEvents(HoltWinters(), calendar.clear(), first, ids, given),
        "with both": WithEvents(HoltWinters(), calendar, first, ids, given),
        "lightgbm": LagRegression(),
        "lightgbm with both": LagRegression(calendar=calendar, first_day=first, covariates=given, ids=ids),
    }
    origins = [panel.n_steps - k * H for k in (5, 4, 3, 2, 1)]
    print("| model | MASE |\n| --- | --- |")
    for name, model in models.items():
        mase = np.mean([np.nanmean(scaled_errors(panel, o, by_method(model)(panel.until(o)))) for o in origins])
        print(f"| {name} | {mase:.4f} |", flush=True)
    print(f"elasticity {models['with prices'].slopes(panel.y)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--series", type=int, help="at most this many of the categories, evenly spaced by name")
    parser.add_argument("--part", choices=["learners", "events", "prices"])
    args = parser.parse_args()
    panel = complete_journey()
    if args.series:
        kept = np.linspace(0, len(panel.ids) - 1, min(args.series, len(panel.ids))).astype(int)
        panel = Panel([panel.ids[i] for i in kept], panel.dates, panel.y[kept])
    if args.part in (None, "learners"):
        learners(panel)
    if args.part in (None, "events"):
        print("| series | origins | MASE | with events | MASE of event days | with events | share of origins better |")
        print("| --- " * 7 + "|")
        events(panel, "Complete Journey, one year", "US", least=150)
        for name, country, series in behaviour():
            events(series, name, country)
    if args.part in (None, "prices"):
        prices()


if __name__ == "__main__":
    main()
