"""Commands about the forecasts themselves: backtest, models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretide.cli import app
from foretide.cli.insight import By, What, tell_end
from foretide.cli.options import (
    AsOf,
    Format,
    Horizon,
    Lang,
    OutputFile,
    PrintAs,
    WorkspaceDir,
    parse_levels,
    parse_time,
)
from foretide.cli.output import check_output, emit, inform
from foretide.text import say, speaking


@app.command()
def backtest(
    what: What = None,
    workspace: WorkspaceDir = Path(),
    by: By = None,
    horizon: Horizon = 28,
    level: Annotated[str, typer.Option(help="Interval levels in percent.")] = "80,95",
    weights: Annotated[bool, typer.Option("--weights", help="How much each model counts for each series.")] = False,
    as_of: AsOf = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print what each model's errors were at earlier dates, or how much each counts now."""
    from foretide.evaluate.backtest import beside_naive
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace)
        tell_end(place, as_of)
        measure = what or place.default_measure()
        run = place.forecast(measure, by, horizon, parse_levels(level), parse_time(as_of))
        emit(run.weights if weights else beside_naive(run.backtest), print_as, output)
        for code in run.notes:
            inform(say(f"forecast.note.{code}"))


@app.command()
def models(
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """List the forecasting models, what each is good for, and whether it is tried by itself."""
    import polars as pl

    from foretide.forecast.catalogue import MODELS

    check_output(output)
    with speaking(lang):
        rows = [(m.name, say(f"models.{m.name}"), m.tried, m.pools, m.extra or "") for m in MODELS]
        schema = ["model", "good_for", "tried", "learns_from_panel", "extra"]
        emit(pl.DataFrame(rows, schema=schema, orient="row"), print_as, output)
