"""Every forecasting model by itself on six real panels: error and cost; and the charts of ``docs/forecasting.md``.

    python benchmarks/forecast_models.py [--only NAME ...] [--origins 3] [--draw docs/images]

Panels, horizons and origins (the last ones of them) are those of ``forecast_panels.py --validate``: nothing of the test
is seen. MASE of the median over that of SeasonalNaive, geometric mean over origins, then over panels; CPU time of one
forecast from one origin, without compiling. ``default`` and ``fast`` are ``foretide.forecast`` with and without trees.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl

from forecast_panels import SEASONS, scores
from foretide.forecast.candidates import candidates
from foretide.forecast.catalogue import BY_DEFAULT
from foretide.forecast.engine import run
from foretide.forecast.method import Method, without_gaps
from foretide.forecast.on_request import ON_REQUEST, RECURSIVE
from foretide.schema import Floats, Panel
from panels import Task, tasks

#: Measured elsewhere: ``neural_forecast.py``, and ``learners_forecast.py`` for recursive learners.
ELSEWHERE = ("lstm", "mlp", *(name for name in ON_REQUEST if name.endswith(RECURSIVE)))
NAIVE = "SeasonalNaive"
DEFAULT, FAST = "default", "fast"
#: What the chart of panels shows: the candidates that count most, and what is made of them.
SHOWN = ("HoltWinters", "HoltWintersLog", "PooledSeason", "Adida", "theta", "arima", "ridge", FAST, DEFAULT)
#: What the chart of costs leaves out, as it lies on another one, and the names that stand below their points.
BESIDE_OTHERS = ("SeasonalWindowMedian", "TSB")
BELOW = ("SeasonalWindowAverage", "theta")
#: The series of the fan: purchases of the largest category.
FAN_PANEL, FAN_DAYS = "purchases by category", 84
INK, ACCENT, MUTED = "#17202b", "#1b5e9f", "#5b6675"

Say = Callable[[Panel], Floats]


def alone(method: Method, h: int) -> Say:
    return lambda past: np.maximum(method.ahead(without_gaps(past.y), [past.n_steps], h).median[:, 0], 0.0)


def whole(task: Task, models: tuple[str, ...]) -> Say:
    seasons = SEASONS[task.season_length]
    return lambda past: run(past, task.h, season_length=seasons, models=models).forecast.median


def sayers(task: Task) -> dict[str, Say]:
    """Return every model by name."""
    m = task.season_length
    methods = candidates(m, sparse=True) | {name: make(m) for name, make in ON_REQUEST.items() if name not in ELSEWHERE}
    return {name: alone(method, task.h) for name, method in methods.items()} | {
        FAST: whole(task, ()),
        DEFAULT: whole(task, BY_DEFAULT),
    }


def measured(task: Task, origins: tuple[int, ...]) -> pl.DataFrame:
    """Return ``panel, model, ratio, ms`` of every model."""
    said, ms = {}, {}
    for name, say in sayers(task).items():
        say(Panel(task.panel.ids[:2], task.panel.dates, task.panel.y[:2]).until(origins[0]))  # compiles
        began = time.process_time()
        said[name] = np.stack([say(task.panel.until(origin)) for origin in origins], axis=1)
        ms[name] = 1e3 * (time.process_time() - began) / len(origins) / len(task.panel.ids)
    errors = scores(task, origins, said)
    rows = [(task.name, name, errors[name] / errors[NAIVE], ms[name]) for name in said]
    return pl.DataFrame(rows, schema=["panel", "model", "ratio", "ms"], orient="row")


def together(table: pl.DataFrame) -> pl.DataFrame:
    """Return the geometric means over panels."""
    means = [pl.col(name).log().mean().exp() for name in ("ratio", "ms")]
    return table.group_by("model").agg(means).sort("ratio")


def cost_chart(table: pl.DataFrame) -> alt.LayerChart:
    """Draw error against cost, one point a model."""
    names = pl.col("model")
    means = together(table).filter(~names.is_in(BESIDE_OTHERS))
    means = means.with_columns(ours=names.is_in([DEFAULT, FAST]), below=names.is_in(BELOW))
    at = alt.Chart(means).encode(
        x=alt.X("ms", title="CPU ms a series, one forecast").scale(type="log").axis(format="~g", grid=False),
        y=alt.Y("ratio", title="error, SeasonalNaive = 1").scale(zero=False).axis(format=".2f", tickCount=6),
        color=alt.when(alt.datum.ours).then(alt.value(ACCENT)).otherwise(alt.value(MUTED)),
    )
    points = at.mark_circle(size=50, opacity=1)
    words = [
        at.transform_filter(which).mark_text(align="left", dx=7, dy=dy).encode(text="model")
        for which, dy in ((alt.datum.below, 11), (~alt.datum.below, -4))
    ]
    return alt.layer(points, *words).properties(width=640, height=520)


def panel_chart(table: pl.DataFrame) -> alt.LayerChart:
    """Draw errors by panel: which model wins where."""
    some = table.filter(pl.col("model").is_in(SHOWN))
    at = alt.Chart(some).encode(
        x=alt.X("model", sort=SHOWN, title=None).axis(labelAngle=-30, orient="top"), y=alt.Y("panel", title=None)
    )
    tiles = at.mark_rect().encode(
        color=alt.Color("ratio", legend=None).scale(range=["#78abd4", "#ffffff"], domain=[0.5, 1.0], clamp=True)
    )
    best = pl.col("ratio") == pl.col("ratio").min().over("panel")
    words = [
        alt.Chart(part)
        .mark_text(color=INK, fontWeight=weight)
        .encode(x=alt.X("model", sort=SHOWN), y="panel", text=alt.Text("ratio", format=".3f"))
        for part, weight in ((some.filter(best), "bold"), (some.filter(~best), "normal"))
    ]
    return alt.layer(tiles, *words).properties(width=560, height=210)


def fan_chart(task: Task) -> alt.LayerChart:
    """Draw a forecast with its intervals, and what came."""
    origin = task.validation[-1]
    told = run(Panel(task.panel.ids, task.panel.dates, task.panel.y).until(origin), task.h).frame
    told = told.filter(unique_id=task.panel.ids[0])
    seen = slice(origin - FAN_DAYS, origin + task.h)
    came = pl.DataFrame({"ds": task.panel.dates[seen].astype("datetime64[D]"), "y": task.panel.y[0, seen]})
    ahead = alt.Chart(told).encode(x=alt.X("ds:T", title=None))
    bands = [
        ahead.mark_area(color=ACCENT, opacity=opacity).encode(y=alt.Y(f"lo-{level}", title=None), y2=f"hi-{level}")
        for level, opacity in ((95, 0.15), (80, 0.25))
    ]
    median = ahead.mark_line(color=ACCENT).encode(y="median")
    past = alt.Chart(came).mark_line(color=INK, strokeWidth=1.2).encode(x="ds:T", y="y")
    return alt.layer(*bands, median, past).properties(width=560, height=220)


def draw(charts: dict[str, alt.LayerChart], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, chart in charts.items():
        chart.configure_view(stroke=None).configure(background="#ffffff", padding=10).save(folder / f"{name}.svg")


def show(table: pl.DataFrame) -> None:
    by_panel = table.pivot("panel", index="model", values="ratio")
    print("| model | all panels | CPU ms | " + " | ".join(by_panel.columns[1:]) + " |")
    print("|" + " --- |" * (by_panel.width + 2))
    for model, ratio, ms in together(table).iter_rows():
        own = by_panel.row(by_panel["model"].to_list().index(model))[1:]
        print(f"| {model} | {ratio:.4f} | {ms:.3g} | " + " | ".join(f"{value:.4f}" for value in own) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--origins", type=int, default=3)
    parser.add_argument("--draw", type=Path)
    asked = parser.parse_args()
    every = list(tasks(asked.only))
    parts = []
    for task in every:
        parts.append(measured(task, task.validation[-asked.origins :]))
        print(task.name, parts[-1].rows(), flush=True)
    table = pl.concat(parts)
    show(table)
    if asked.draw:
        charts = {"forecast-cost": cost_chart(table), "forecast-panels": panel_chart(table)}
        charts["forecast-fan"] = fan_chart(next(task for task in every if task.name == FAN_PANEL))
        draw(charts, asked.draw)


if __name__ == "__main__":
    main()
