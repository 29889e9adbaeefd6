"""Where the error of the stage mix 28 days ahead comes from: arrivals, chances of acting, or the walks themselves.

The walks are walked again with what nobody knows beforehand: the arrivals that came, the daily chances by cell and
level as they were in the horizon, and both; and so are chains with the arrivals, and with the moves, that came. The
origins are those of ``stage_mix.py --validate``. Printed is the mean absolute error of the shares on day 28 in points.

Run: python benchmarks/stage_mix_parts.py [NAME ...]   ($FORETIDE_DATA: the data)
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from foretide.features.now import default_as_of
from foretide.features.population import OUTSIDE
from foretide.schema import Floats
from foretide.users.cell_regression import regression
from foretide.users.population import Past, as_mix, chain, read_past, setting
from foretide.users.return_cells import count_returns
from foretide.users.return_chances import PRIOR_DAYS
from foretide.users.return_levels import DOUBT, GROUPS_W, group_of_cell
from foretide.users.walk import Setting, flows
from outlook_backtest import RULE
from stage_mix import LOGS, H, origins


def judge(name: str) -> None:
    log = LOGS[name]()
    past = read_past(log, default_as_of(log, log.frame["ts"].max()), H, RULE)
    chosen = origins(past.n_days, validate=True)
    returns = count_returns(log, past.midnights[: past.n_days + 1], chosen, RULE)
    past = replace(past, origins=chosen, returns=returns, counted_from=0)
    errors: dict[str, list[float]] = {}
    for origin in chosen:
        for model, mix in told(past, origin).items():
            errors.setdefault(model, []).append(100 * np.abs(mix - past.shares[origin + H - 1]).mean())
    print(f"\n{name}: {len(chosen)} origins")
    for model, points in errors.items():
        print(f"  {model:30s} {np.mean(points):.3f}")


def told(past: Past, origin: int) -> dict[str, Floats]:
    """Return the mix of the last day by what is known."""
    start = setting(past, origin, H, 0)
    came, chance = past.new[origin : origin + H], chance_that_was(past, origin)
    return {
        "walks": walked(start),
        "walks, true arrivals": walked(replace(start, arrivals=came)),
        "walks, true chances": walked(replace(start, chance=chance)),
        "walks, both true": walked(replace(start, arrivals=came, chance=chance)),
        "rolling chain, 28 d": chain(past, origin, H, 28)[-1],
        "rolling chain, true arrivals": chain(past, origin, H, 28, came)[-1],
        "chain of the moves that came": hindsight(past, origin),
    }


def walked(start: Setting) -> Floats:
    return as_mix(flows(start)[-1].sum(axis=0)[1:])


def chance_that_was(past: Past, origin: int) -> Floats:
    """Return the chance of each cell in the horizon, with the level of each group on each day, ``(H, N_CELLS)``."""
    there, active = (table[origin : origin + H] for table in (past.returns.there, past.returns.active))
    n, y = there.sum(axis=0).astype(float), active.sum(axis=0).astype(float)
    base = (y + PRIOR_DAYS * regression(n, y)) / (n + PRIOR_DAYS)
    groups = group_of_cell(RULE.window_days)
    members = np.eye(len(GROUPS_W) + 1)[groups]  # (N_CELLS, n_groups)
    levels = (active @ members + DOUBT) / (there @ (base[:, None] * members) + DOUBT)
    odds = base / (1.0 - base) * levels[:, groups]
    return odds / (1.0 + odds)


def hindsight(past: Past, origin: int) -> Floats:
    """Return the mix of a chain with the mean moves, and the arrivals, of the horizon itself."""
    moved = past.moves[origin : origin + H]
    counts = moved[:, 1:, 1:].sum(axis=0)
    left = counts.sum(axis=1, keepdims=True)
    matrix = np.where(left > 0, counts / np.where(left > 0, left, 1.0), np.eye(len(counts)))
    users = past.users[origin - 1]
    for new in moved[:, OUTSIDE, 1:]:
        users = users @ matrix + new
    return as_mix(users)


if __name__ == "__main__":
    for asked in sys.argv[1:] or list(LOGS):
        judge(asked)
