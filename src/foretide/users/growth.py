"""The account of growth ahead: who arrives, comes back and is lost, so that it adds up to the forecast mix."""

from __future__ import annotations

import numpy as np
import polars as pl

from foretide.features.population import GONE, N_PLACES, OUTSIDE
from foretide.schema import Floats

#: As ``schema.ACCOUNTING``, of expected users, who are not whole.
ACCOUNTING_AHEAD = pl.Schema({"ds": pl.Date()} | dict.fromkeys(("active", "new", "resurrected", "lost"), pl.Float64()))


def account_ahead(
    dates: np.ndarray[tuple[int], np.dtype[np.datetime64]], users: Floats, mix: Floats, walked: Floats
) -> pl.DataFrame:
    """Return ``ACCOUNTING_AHEAD``: ``active[t] = active[t-1] + new + resurrected - lost``.

    Parameters
    ----------
    dates
        ``(h,)``.
    users
        In each stage now, ``(n_stages,)``.
    mix
        Share of each stage ahead, ``(h, n_stages)``.
    walked
        Flows of the walks, ``(h, N_PLACES, N_PLACES)``.
    """
    alive = np.ones(N_PLACES, dtype=bool)
    alive[[OUTSIDE, GONE]] = False
    new = walked[:, OUTSIDE].sum(axis=1)
    total = users.sum() + np.cumsum(new)
    active = total * mix[:, :-1].sum(axis=1)
    net = np.diff(active, prepend=users[:-1].sum()) - new
    back, lost = balanced(walked[:, GONE, alive].sum(axis=1), walked[:, alive, GONE].sum(axis=1), net)
    return pl.DataFrame([dates, active, new, back, lost], schema=ACCOUNTING_AHEAD)


def balanced(gained: Floats, lost: Floats, net: Floats) -> tuple[Floats, Floats]:
    """Return gains and losses whose difference is ``net``: the ones times a factor, the others divided by it.

    With ``f`` the factor, ``gained * f - lost / f = net``; where there is no gain or no loss to start from, ``net`` is
    all there is.
    """
    root = np.sqrt(net**2 + 4.0 * gained * lost)
    larger = 0.5 * (np.abs(net) + root)
    smaller = np.maximum(larger - np.abs(net), 0.0)
    return np.where(net > 0, larger, smaller), np.where(net > 0, smaller, larger)
