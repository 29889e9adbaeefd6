"""How good chances of next stages were, beside what costs nothing: the stage stays, and static rates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from foretide.schema import STAGES, Floats
from foretide.users.activity import ActivityModel
from foretide.users.backtest import MODEL, Trial
from foretide.users.examples import of_pairs
from foretide.users.next_stage import Codes, NextStageModel, TransitionRates, codes
from foretide.users.scores import CLIP

STAYS, STATIC = "stage stays", "static rates"

STAGE_QUALITY = pl.Schema(
    {
        "stage": pl.String(),  # a stage, or "all"
        "model": pl.String(),
        "n": pl.Int64(),  # users who were in the stage at the cut-off ...
        "log_loss": pl.Float64(),  # ... and how surprising their next stages were
        "accuracy": pl.Float64(),  # share of them whose most likely next stage came true
        "n_ahead": pl.Int64(),  # users who were in the stage at the end
        "precision": pl.Float64(),  # of those told to be in the stage then; null if nobody was told
        "recall": pl.Float64(),  # of those who were; null if nobody was
        "f1": pl.Float64(),  # for "all": mean over the stages that occurred
    }
)


def stage_backtest(rows: pl.DataFrame, of: Trial, model: NextStageModel) -> pl.DataFrame:
    """Return the scores of the model and the baselines in a trial, ``STAGE_QUALITY``.

    Parameters
    ----------
    rows
        The examples of the trial's pairs with ``stage_ahead``.
    of
        The trial.
    model
        The model, which is fitted here.
    """
    seen, test = of_pairs(rows, of.training), of_pairs(rows, [of.test])
    if seen.is_empty() or test.is_empty():
        return pl.DataFrame(schema=STAGE_QUALITY)
    p_inactive = ActivityModel(of.test[1]).fit(seen).predict(test)["p_inactive"].to_numpy()
    chances = baselines(seen, test)
    chances[MODEL] = model.fit(seen).predict(test, p_inactive).to_numpy()
    return stage_quality(test, chances)


def baselines(seen: pl.DataFrame, test: pl.DataFrame) -> dict[str, Floats]:
    """Return what the simple models say, ``(n_users, n_stages)`` each.

    That the stage stays has the chance with which it did among all; the rest goes to the others alike.
    """
    whole = seen.filter(pl.col("horizon_days") == pl.col("horizon_days").max())
    now, ahead = codes(whole["stage"]), codes(whole["stage_ahead"])
    stayed = (np.sum(now == ahead) + 1) / (len(now) + 2)
    moved = (1 - stayed) / (len(STAGES) - 1)
    stays = np.where(np.eye(len(STAGES))[codes(test["stage"])] > 0, stayed, moved)
    return {STAYS: stays, STATIC: TransitionRates().fit(now, ahead).predict(codes(test["stage"]))}


def surprise(ahead: Codes, chances: Floats) -> Floats:
    """Return minus the log of the chance of what came true, ``(n_users,)``."""
    return -np.log(np.clip(chances[np.arange(len(ahead)), ahead], CLIP, 1))


def stage_quality(seen: pl.DataFrame, chances: Mapping[str, Floats]) -> pl.DataFrame:
    """Return ``STAGE_QUALITY`` of chances ``(n_users, n_stages)`` for each model.

    Parameters
    ----------
    seen
        ``stage, stage_ahead`` of each user.
    chances
        By model.
    """
    now, ahead = codes(seen["stage"]), codes(seen["stage_ahead"])
    rows = [row for model, p in chances.items() for row in _rows(model, now, ahead, p)]
    return pl.DataFrame(rows, schema=STAGE_QUALITY, orient="row").sort(
        pl.col("stage").replace_strict(["all", *STAGES], range(len(STAGES) + 1)), maintain_order=True
    )


def _rows(model: str, now: Codes, ahead: Codes, chances: Floats) -> list[tuple[object, ...]]:
    loss, told = surprise(ahead, chances), chances.argmax(axis=1)
    by_stage = [outcome_scores(ahead == code, told == code) for code in range(len(STAGES))]
    macro = [float(np.mean([s[i] or 0.0 for s in by_stage if s[1] is not None])) for i in range(3)]
    rows: list[tuple[object, ...]] = [("all", model, len(now), loss.mean(), np.mean(told == ahead), len(now), *macro)]
    for code, stage in enumerate(STAGES):
        here = now == code
        of_now = (loss[here].mean(), np.mean(told[here] == ahead[here])) if here.any() else (None, None)
        rows.append((stage, model, int(here.sum()), *of_now, int(np.sum(ahead == code)), *by_stage[code]))
    return rows


def outcome_scores(happened: Codes, told: Codes) -> tuple[float | None, float | None, float | None]:
    """Return precision, recall and F1 of yes-no answers; null where there is nothing to divide by."""
    hits, n_told, n_happened = (int(np.sum(x)) for x in (happened & told, told, happened))
    precision = hits / n_told if n_told else None
    recall = hits / n_happened if n_happened else None
    return precision, recall, 2 * hits / (n_told + n_happened) if n_told + n_happened else None
