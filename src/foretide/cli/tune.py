"""The command that tunes the models of users."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.asked import asked, engine_of
from foretide.cli.options import (
    AsOf,
    EngineName,
    Format,
    Horizon,
    Lang,
    Master,
    OutputFile,
    PrintAs,
    Workers,
    WorkspaceDir,
)
from foretide.cli.output import emit, inform
from foretide.text import say

if TYPE_CHECKING:
    import polars as pl

    from foretide.tune.trials import Trial

#: Digits of a printed log-loss behind the point.
DIGITS = 4


class SearchName(StrEnum):
    """How the space of settings is searched."""

    tpe = "tpe"
    random = "random"
    grid = "grid"


@app.command()
def tune(
    model: Annotated[
        str,
        typer.Argument(
            help="glm, hazard, lightgbm, tree, forest, svm, mlp, bgnbd, mbgnbd, paretonbd or lstm.", metavar="MODEL"
        ),
    ] = "glm",
    workspace: WorkspaceDir = Path(),
    horizon: Horizon = 28,
    search: Annotated[SearchName, typer.Option(help="Where to look next; tpe takes the extra tune.")] = SearchName.tpe,
    trials: Annotated[int, typer.Option(help="Stop at so many trials, those of earlier runs among them.")] = 40,
    minutes: Annotated[
        float, typer.Option(help="Stop after so many minutes of this run. Default: no limit.", show_default=False)
    ] = math.inf,
    seed: Annotated[int, typer.Option(help="Of what is drawn at random.")] = 0,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Find the settings with which a model tells best what users do; go on where an earlier run ended.

    A trial is judged at rolling cut-offs before the last horizon, which is left for the test. Several runs at a time
    share the work.
    """
    from foretide.tune.run import Budget
    from foretide.tune.run import tune as search_settings

    budget = Budget(trials, minutes)
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        tuned = search_settings(
            place.store,
            moment,
            place.path,
            model,
            horizon,
            place.rule,
            budget=budget,
            search=search.value,
            seed=seed,
            progress=tell_trial,
            engine=place.engine,
        )
        emit(as_text(tuned.trials) if print_as is Format.table and output is None else tuned.trials, print_as, output)
        for note in tuned.notes:
            inform(note)


def as_text(trials: pl.DataFrame) -> pl.DataFrame:
    """Return trials with as many digits as it takes to tell them apart."""
    import polars as pl

    settings = trials.columns[1 : trials.columns.index("log_loss")]
    written = [pl.Series(name, [text_of(cell) for cell in trials[name]], pl.String) for name in settings]
    losses = {name: pl.col(name).round(DIGITS).cast(pl.String) for name in ("log_loss", "spread")}
    return trials.with_columns(*written, **losses)


def text_of(cell: object) -> str:
    """Return the value of a setting; nothing for the default."""
    return "" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)


def tell_trial(trial: Trial, n: int) -> None:
    """Say how a trial went."""
    chosen = ", ".join(f"{name}={value}" for name, value in trial.parameters.items()) or say("tune.default")
    key = "tune.pruned" if trial.pruned else "tune.trial"
    inform(say(key, n=n, chosen=chosen, loss=f"{trial.loss:.4f}", seconds=f"{trial.seconds:.1f}"))
