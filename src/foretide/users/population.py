"""What is known of the population as a whole: its moves and returns by day, and its users at some moments.

Read in two passes over the buckets. Days are whole local days. An *origin* is a number of days that are known, and the
days ahead of it are the days ``origin, origin + 1, ...``; what is told from an origin comes from the days before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from foretide.errors import NotEnoughDataError
from foretide.evaluate.splits import rolling_origins
from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.features.now import midnight
from foretide.features.population import OUTSIDE, moves, whole_days
from foretide.features.user_events import ticks
from foretide.forecast.engine import run_shares
from foretide.schema import STAGES, Floats, Panel
from foretide.users.arrivals import expected_arrivals
from foretide.users.return_cells import Returns, count_returns
from foretide.users.return_chances import LEVEL_DAYS, chances_ahead
from foretide.users.walk import Setting, weights_of

#: Of a larger population a sample of about so many users is looked at one by one.
LOOKED_AT = 100_000
#: The backtest has at most so many origins, half a horizon apart, and looks ahead at most this share of the history.
N_ORIGINS = 6
LONGEST_TEST = 0.25
#: An origin of the backtest has so many days before it, or half of what there is.
KNOWN_DAYS = 28
#: Whole days that are needed to learn anything.
LEAST_DAYS = 2
#: The Markov chain is that of the moves of so many days.
CHAIN_DAYS = 28
#: Days from which a series of shares can be forecast.
SEASON_DAYS = 7


@dataclass(frozen=True)
class Past:
    """The population day by day, and the days ahead."""

    first_day: date
    midnights: list[datetime]  # (n_days + h + 1,) in UTC; day i lies between places i and i + 1
    moves: Floats  # (n_days, N_PLACES, N_PLACES) of each day, as ``features.population.moves``
    origins: list[int]  # of the backtest and, last, now
    tested: int  # days ahead that the backtest looks
    returns: Returns  # of the days from ``counted_from`` on, with the states at the origins
    counted_from: int
    rule: LifecycleRule
    timezone: str

    @property
    def n_days(self) -> int:
        """Whole days known."""
        return len(self.moves)

    @property
    def h(self) -> int:
        """Days ahead."""
        return len(self.midnights) - 1 - self.n_days

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """Local days, known and ahead, ``(n_days + h,)``."""
        return np.datetime64(self.first_day, "D") + np.arange(self.n_days + self.h)

    @property
    def users(self) -> Floats:
        """Users in each stage at the end of each known day, ``(n_days, n_stages)``."""
        return self.moves.sum(axis=1)[:, 1:]

    @property
    def shares(self) -> Floats:
        """Share of each stage at the end of each known day, ``(n_days, n_stages)``."""
        return as_mix(self.users)

    @property
    def new(self) -> Floats:
        """Users who arrived on each known day, ``(n_days,)``."""
        return self.moves[:, OUTSIDE].sum(axis=1)


def as_mix(users: Floats) -> Floats:
    """Return the share of each stage, the last axis, in the sum of all."""
    return users / users.sum(axis=-1, keepdims=True)


def read_past(buckets: Buckets, as_of: datetime, h: int, rule: LifecycleRule, engine: Engine | None = None) -> Past:
    """Read what is known of the population before a moment.

    Raises
    ------
    NotEnoughDataError
        If fewer than ``LEAST_DAYS`` whole days are known.
    """
    days = whole_days(buckets, as_of, engine)
    n = len(days)
    if n < LEAST_DAYS:
        raise NotEnoughDataError(
            f"{n} whole day before {as_of:%Y-%m-%d %H:%M} UTC is known, and stages ahead take {LEAST_DAYS} or more; "
            "import more or give a later time"
        )
    midnights = [midnight(days[0] + timedelta(days=k), buckets.timezone) for k in range(n + h + 1)]
    moved = moves(buckets, midnights[: n + 1], rule, engine)[1:].astype(np.float64)
    tested = max(min(h, int(n * LONGEST_TEST)), 1)
    known = min(KNOWN_DAYS, max(n // 2, LEAST_DAYS))
    origins = [*rolling_origins(n, tested, N_ORIGINS, max(tested // 2, 1), known), n]
    begin = max(origins[0] - LEVEL_DAYS, 0)
    every = max(1, int(moved[-1].sum() // LOOKED_AT))
    kept = [origin - begin for origin in origins]
    returns = count_returns(buckets, midnights[begin : n + 1], kept, rule, every, engine)
    return Past(days[0], midnights, moved, origins, tested, returns, begin, rule, buckets.timezone)


def setting(past: Past, origin: int, h: int, seed: int) -> Setting:
    """Return what walks from an origin start from, and what is expected of the ``h`` days ahead of it."""
    known = slice(0, origin - past.counted_from)
    dates = past.dates[past.counted_from : origin]
    chance = chances_ahead(past.returns.there[known], past.returns.active[known], dates, h, past.rule.window_days)
    arrivals = expected_arrivals(past.new[:origin], h)
    at, today = ticks(past.midnights[origin : origin + h + 1], past.timezone)
    states = past.returns.states[past.origins.index(origin)]
    weights = weights_of(states, past.users[origin - 1], int(at[0]), int(today[0]), past.rule.window_days)
    return Setting(states, weights, chance, arrivals, at, today, past.rule.window_days, past.returns.dated, seed)


def chain(past: Past, origin: int, h: int, days: int = CHAIN_DAYS, arrivals: Floats | None = None) -> Floats:
    """Return the mix that a Markov chain with the mean moves of the last days gives, ``(h, n_stages)``.

    Who arrives comes as the mean of the same days, or as many as ``arrivals`` says, ``(h,)``.
    """
    recent = past.moves[max(origin - days, 0) : origin]
    moved = recent[:, 1:, 1:].sum(axis=0)
    left = moved.sum(axis=1, keepdims=True)
    matrix = np.where(left > 0, moved / np.where(left > 0, left, 1.0), np.eye(len(STAGES)))
    came = np.repeat(recent[:, OUTSIDE, 1:].mean(axis=0)[None], h, axis=0)  # (h, n_stages)
    if arrivals is not None and came.any():
        came = came * (arrivals / came.sum(axis=1))[:, None]
    users = [past.users[origin - 1]]
    for new in came:
        users.append(users[-1] @ matrix + new)
    return as_mix(np.array(users[1:]))


def direct(past: Past, origin: int, h: int) -> Floats:
    """Return the mix that the forecast of the series of shares gives, ``(h, n_stages)``; the last one if too short."""
    known = past.shares[:origin]
    if origin < SEASON_DAYS:
        return np.repeat(known[-1:], h, axis=0)
    return run_shares(Panel(STAGES, past.dates[:origin], known.T), h).forecast.mean.T
