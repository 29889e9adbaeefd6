"""Rates by lifecycle stage: the simplest outlook, the one to beat, and the one to fall back on.

An outlook has two parts: the chance ``p_inactive`` of no active day in the horizon, and the ``fill``: the
share of the other days of the horizon that are active too once one is. Together they give the expected
active days, which so lie between the chance of any and the length of the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from foretide.schema import Floats

#: A group's rate is drawn to the population's with the weight of this many users ...
PRIOR_USERS = 10.0
#: ... and the population's to one half with the weight of these: a uniform prior, Beta(1, 1).
UNIFORM = 2.0


def fill() -> pl.Expr:
    """Return the fill of the active rows of examples; 0 where the horizon is a single day."""
    others = pl.col("horizon_days") - 1
    return pl.when(others > 0).then((pl.col("active_days_ahead") - 1) / others).otherwise(0.0)


def expected_days(p_inactive: Floats, filled: Floats, horizon_days: int) -> Floats:
    """Return the expected active days in a horizon, ``(n_users,)``."""
    return (1 - p_inactive) * (1 + filled * (horizon_days - 1))


@dataclass
class Rates:
    """Shares of inactive users and mean fill by group.

    Parameters
    ----------
    by
        Column whose values are the groups; None for the population as one.
    """

    by: str | None = "stage"
    days_: int = field(init=False)  # length of the horizon they hold for
    table_: pl.DataFrame = field(init=False)  # group, p, fill; one row a group
    population_: tuple[float, float] = field(init=False)  # p, fill of a group that was never seen

    def fit(self, examples: pl.DataFrame) -> Rates:
        """Learn from the examples with the longest horizon: the one nearest to what is asked."""
        self.days_ = int(examples["horizon_days"].max())  # type: ignore[arg-type]
        whole = examples.filter(pl.col("horizon_days") == self.days_)
        p, filled = whole.select(*means(0.5, 0.0, UNIFORM)).row(0)
        self.population_ = (p, filled)
        seen = whole.group_by(self._group()).agg(*means(p, filled, PRIOR_USERS))
        stand_in = seen.filter(group="at_risk").with_columns(group=pl.lit("churned"))
        # A log too short for anybody to have churned says nothing of the churned but what those at risk of it do.
        self.table_ = pl.concat([seen, stand_in]).unique("group", keep="first", maintain_order=True)
        return self

    def population(self, horizon_days: int) -> float:
        """Return the chance of no activity of anybody, with a constant hazard as in ``predict``."""
        return float(self.population_[0] ** (horizon_days / self.days_))

    def predict(self, users: pl.DataFrame, horizon_days: int) -> tuple[Floats, Floats]:
        """Return ``p_inactive`` and ``fill`` of each row of ``users``, ``(n_users,)`` each.

        For another length of the horizon than was learnt the hazard is taken to be constant.
        """
        found = users.with_columns(self._group()).join(self.table_, on="group", how="left", maintain_order="left")
        p = found["p"].fill_null(self.population_[0]).to_numpy()
        return p ** (horizon_days / self.days_), found["fill"].fill_null(self.population_[1]).to_numpy()

    def told(self, users: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
        """Return ``p_inactive, expected_active_days`` of each row of ``users``, as in ``predict``."""
        p, filled = self.predict(users, horizon_days)
        return pl.DataFrame({"p_inactive": p, "expected_active_days": expected_days(p, filled, horizon_days)})

    def _group(self) -> pl.Expr:
        return (pl.col(self.by) if self.by else pl.lit("all")).alias("group")


def means(prior_p: float, prior_fill: float, weight: float) -> list[pl.Expr]:
    """Return the aggregations ``p`` and ``fill``, drawn to a prior as if it were ``weight`` more users."""
    idle = pl.col("inactive").sum()
    filled = fill().filter(~pl.col("inactive")).sum()
    return [
        ((idle + prior_p * weight) / (pl.len() + weight)).alias("p"),
        ((filled + prior_fill * weight) / (pl.len() - idle + weight)).alias("fill"),
    ]
