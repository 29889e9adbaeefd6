"""One network over all series beside the default engine, and the article's LSTM on a single series.

    python benchmarks/neural_forecast.py [--validate] [--series 200] [--skip-article | --only-article]

Synthetic counts (see ``synthetic_series.py``) and Complete Journey by category (see
``forecast_complete_journey.py``), h = 28. Settings were chosen with ``--validate`` on earlier origins; without it the
last origin is forecast. MASE (m = 7) judges the median. CPU seconds are those of training, compilation and forecast
of the whole panel, each model once; the engine's code is compiled before. The article's recipe says one day ahead of
the sum of all categories, and of series of three years (``panels.py``), over the last fifth of their days; the engine,
without trees, and two naive forecasts are asked the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from forecast_complete_journey import SEASON, H, complete_journey
from foretide.evaluate.metrics import coverage, mase
from foretide.forecast.article_lstm import TRAIN_SHARE, article_recipe, score_row
from foretide.forecast.engine import run
from foretide.forecast.lstm import GlobalLSTM, GlobalMLP
from foretide.schema import Floats, Forecast, Panel
from panels import daily_behaviour
from synthetic_series import synthetic_series


def naive(known: Panel) -> Forecast:
    last = np.tile(known.y[:, -SEASON:], (1, -(-H // SEASON)))[:, :H]
    return Forecast(known.ids, known.dates[-1] + np.arange(1, H + 1), last, last)


MODELS: dict[str, Callable[[Panel], Forecast]] = {
    "SeasonalNaive": naive,
    "default engine": lambda known: run(known, H).forecast,
    "GlobalLSTM": lambda known: GlobalLSTM().fit(known).predict(H),
    "GlobalMLP": lambda known: GlobalMLP().fit(known).predict(H),
    "GlobalLSTM, no smoothing": lambda known: GlobalLSTM(smoothing=False).fit(known).predict(H),
    "GlobalMLP, no smoothing": lambda known: GlobalMLP(smoothing=False).fit(known).predict(H),
}


def compare(name: str, panel: Panel, origin: int, truth: Floats | None = None) -> None:
    known, happened = panel.until(origin), panel.y[:, origin : origin + H]
    run(known, H)
    print(f"\n{name}: {len(panel.ids)} series, {origin} days known, h = {H}")
    print("| model | MASE | covered at 80 | CPU s |\n| --- | --- | --- | --- |")
    for model, forecast in MODELS.items():
        began = time.process_time()
        told = forecast(known)
        cpu = time.process_time() - began
        score = np.nanmean(mase(known.y, happened, told.median, SEASON))
        inside = f"{coverage(happened, *told.intervals[80]):.3f}" if told.intervals else ""
        print(f"| {model} | {score:.4f} | {inside} | {cpu:.1f} |", flush=True)
    if truth is not None:
        print(f"| true mean | {np.nanmean(mase(known.y, happened, truth[:, origin : origin + H], SEASON)):.4f} | | |")


def one_ahead(y: Floats, n_train: int) -> dict[str, Floats]:
    """Return what the engine without trees, yesterday and last week say of each day from ``n_train`` on."""
    whole = Panel(["all"], np.datetime64("2000-01-01") + np.arange(y.size), y[None])
    ours = [run(whole.until(n), 1, models=()).forecast.mean[0, 0] for n in range(n_train, y.size)]
    return {
        "foretide": np.array(ours),
        "yesterday": y[n_train - 1 : -1],
        "SeasonalNaive": y[n_train - SEASON : -SEASON],
    }


def article(name: str, y: Floats) -> None:
    """Print the article's scores on a series, one day ahead."""
    n_train = int(y.size * TRAIN_SHARE)
    began = time.process_time()
    result = article_recipe(y)
    cpu = time.process_time() - began
    span = np.ptp(y[:n_train])
    others = [score_row(model, result.happened, said, span) for model, said in one_ahead(y, n_train).items()]
    print(f"\nThe article's recipe on {name}: {y.size} days, the last {y.size - n_train} one by one; {cpu:.1f} CPU s")
    print("| model | MSE | RMSE | R2 | MSE, scaled | RMSE, scaled |\n| --- | --- | --- | --- | --- | --- |")
    for row in [*result.table.to_dicts(), *others]:
        scaled = f"{row['mse_scaled']:.4f} | {row['rmse_scaled']:.4f}"
        print(f"| {row['model']} | {row['mse']:.0f} | {row['rmse']:.1f} | {row['r2']:.3f} | {scaled} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--series", type=int, default=200)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--skip-article", action="store_true")
    which.add_argument("--only-article", action="store_true")
    args = parser.parse_args()
    real = complete_journey()
    before = 2 * H if args.validate else 0
    if not args.only_article:
        panel, truth = synthetic_series(args.series)
        compare("Synthetic", panel, panel.n_steps - H - before, truth)
        compare("Complete Journey by category", real, real.n_steps - H - before)
    if not args.skip_article:
        behaviour = daily_behaviour()
        article("all purchases", real.y.sum(axis=0))
        for name, y in zip(behaviour.ids, behaviour.y, strict=True):
            article(name, y)


if __name__ == "__main__":
    main()
