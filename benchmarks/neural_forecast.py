"""One network over all series beside the default engine, and the article's LSTM on a single series.

    python benchmarks/neural_forecast.py [--validate] [--series 200] [--skip-article]

Synthetic counts (see ``synthetic_series.py``) and Complete Journey by category (see
``forecast_complete_journey.py``), h = 28. Settings were chosen with ``--validate`` on earlier origins; without it the
last origin is forecast. MASE (m = 7) judges the median. CPU seconds are those of training, compilation and forecast
of the whole panel, each model once; the engine's code is compiled before. The article's recipe says one day ahead of
the sum of all categories over the last fifth of its days, and the engine is asked the same.
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


def article(panel: Panel) -> None:
    y = panel.y.sum(axis=0)
    whole = Panel(["all"], panel.dates, y[None])
    n_train = int(len(y) * TRAIN_SHARE)
    began = time.process_time()
    result = article_recipe(y)
    cpu = time.process_time() - began
    low, high = y[:n_train].min(), y[:n_train].max()
    one = np.array([run(whole.until(n), 1).forecast.mean[0, 0] for n in range(n_train, len(y))])
    rows = [*result.table.to_dicts(), score_row("default engine", result.happened, one, high - low)]
    print(f"\nThe article's recipe: {len(y)} days, the last {len(one)} told one by one; {cpu:.1f} CPU s")
    print("| model | MSE | RMSE | R2 | MSE, scaled | RMSE, scaled |\n| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        scaled = f"{row['mse_scaled']:.4f} | {row['rmse_scaled']:.4f}"
        print(f"| {row['model']} | {row['mse']:.0f} | {row['rmse']:.1f} | {row['r2']:.3f} | {scaled} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--skip-article", action="store_true")
    args = parser.parse_args()
    panel, truth = synthetic_series(args.series)
    real = complete_journey()
    before = 2 * H if args.validate else 0
    compare("Synthetic", panel, panel.n_steps - H - before, truth)
    compare("Complete Journey by category", real, real.n_steps - H - before)
    if not args.skip_article:
        article(real)


if __name__ == "__main__":
    main()
