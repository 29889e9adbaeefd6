"""What a model that was learnt for a long horizon tells of the first days of it.

The default takes the hazard of the return for horizons shorter than all that it learnt from. It stands beside what it
took before (the line through the log-odds of longer horizons), the hazard alone, and a model learnt for just that
horizon. Cuts end before the tests of ``outlook_backtest.py`` and ``outlook_cdnow.py`` begin. Printed are means over the
cuts: log-loss of no activity, and the distance of told and happened sums of active days in percent.

Run: python benchmarks/short_horizons.py [NAME ...]   ($FORETIDE_DATA: the data)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.users.activity import ActivityModel
from foretide.users.examples import examples, training_pairs
from foretide.users.hazard import HazardModel
from foretide.users.scores import log_losses
from foretide.users.targets import targets_of_pairs
from outlook_backtest import RULE
from stage_mix import LOGS
from sums_beyond_log import midnight

#: Days known of a log, and of the horizon that was learnt for.
CUTS = {
    "CDNOW": ((120, 147), (143, 126), (180, 91)),
    "MovieTweetings": ((80, 56), (100, 56), (120, 56)),
    "Complete Journey": ((120, 182), (150, 112), (230, 98)),
}
SHORT_DAYS = (1, 3, 7, 14)


def told(log: FrameBuckets, users: pl.DataFrame, horizon_days: int) -> Iterator[tuple[str, int, pl.DataFrame]]:
    """Yield who tells, of which short horizon, and what."""
    first, cutoff = log.frame["ts"].min(), users["as_of"][0]
    rows = examples(log, training_pairs(first, cutoff, horizon_days, log.timezone), RULE)
    models = {kind: kind(horizon_days).fit(rows) for kind in (ActivityModel, HazardModel)}
    default, line = models[ActivityModel], ActivityModel(horizon_days).fit(rows)
    line.shortest_ = 1  # no horizon is shorter
    for days in (days for days in SHORT_DAYS if days < default.shortest_):
        yield "default", days, default.predict_for(users, days)
        yield "line", days, line.predict_for(users, days)
        yield "hazard", days, models[HazardModel].predict_for(users, days)
        own = examples(log, training_pairs(first, cutoff, days, log.timezone), RULE)
        yield "learnt for it", days, ActivityModel(days).fit(own).predict(users)


def judged(name: str) -> Iterator[dict[str, object]]:
    log = LOGS[name]()
    for known_days, horizon_days in CUTS[name]:
        cutoff = midnight(log, known_days)
        users = feature_table(log, [cutoff], RULE).sort("user_id")
        for model, days, table in told(log, users, horizon_days):
            came = targets_of_pairs(log, [(cutoff, days)], RULE).sort("user_id")
            losses = log_losses(came["inactive"].to_numpy().astype(np.float64), table["p_inactive"].to_numpy())
            bias = 100 * abs(table["expected_active_days"].sum() / came["active_days"].sum() - 1)
            yield {"log": name, "days": days, "model": model, "log-loss": losses.mean(), "|bias| %": bias}


def main() -> None:
    rows = pl.DataFrame(row for name in sys.argv[1:] or CUTS for row in judged(name))
    found = rows.group_by("log", "days", "model", maintain_order=True).agg(
        pl.len().alias("cuts"), pl.col("log-loss", "|bias| %").mean()
    )
    with pl.Config(tbl_rows=-1, tbl_width_chars=120, tbl_hide_dataframe_shape=True, float_precision=4):
        print(found.sort("log", "days", maintain_order=True))


if __name__ == "__main__":
    main()
