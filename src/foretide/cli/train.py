"""Commands that choose and train: train users."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

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

trained = typer.Typer(no_args_is_help=True, help="Choose the model that tells what users will do.")
app.add_typer(trained, name="train")


@trained.callback()
def about() -> None:
    """Choose the model that tells what users will do."""


@trained.command()
def users(
    workspace: WorkspaceDir = Path(),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "--models",
            help="Try this one: glm, hazard, lightgbm, tree, forest, svm, mlp, bgnbd, mbgnbd, paretonbd, lstm, stack. "
            "May be given several times, or several with commas; without it those that learn in seconds.",
        ),
    ] = None,
    horizon: Horizon = 28,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Compare models on earlier horizons and keep the best for outlooks.

    Settings that were tuned are used.
    """
    from foretide.tune.choice import keep
    from foretide.tune.comparison import USUAL_MODELS, compare

    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        names = [name.strip() for given in model or USUAL_MODELS for name in given.split(",")]
        compared = compare(place.store, moment, place.path, names, horizon, place.rule, place.engine)
        emit(compared.table, print_as, output)
        best = keep(place.path, horizon, compared)
        until = compared.until.astimezone(ZoneInfo(place.settings.timezone))
        inform(say("tune.kept", model=best.name, horizon=horizon, until=f"{until:%Y-%m-%d %H:%M}"))
        for note in compared.notes:
            inform(note)
