"""Commands about forecasts of series: forecast, backtest, models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.asked import engine_of, opened
from foretide.cli.changes import own_calendar
from foretide.cli.insight import By, What, moment_of, tell_grouping
from foretide.cli.options import (
    OWN_EVENTS,
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
    parse_levels,
)
from foretide.cli.output import check_output, emit, inform
from foretide.forecast.catalogue import BY_DEFAULT
from foretide.text import say, speaking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from foretide.forecast.engine import Run
    from foretide.workspace import Workspace

#: Stands for no further models.
NOTHING_MORE = "none"

Level = Annotated[str, typer.Option(help="Interval levels in percent.")]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="Try this beside the fast models: lightgbm (the default), arima, ridge, lstm, mlp; none: nothing more. "
        "May be given several times.",
    ),
]
Holidays = Annotated[
    str | None, typer.Option(help="Holidays of a country or region, past and to come: DE, DE-BY, CN, US.")
]
Events = Annotated[Path | None, typer.Option(help=f"Your events, past and to come: {OWN_EVENTS}")]


@app.command()
def forecast(
    what: What = None,
    workspace: WorkspaceDir = Path(),
    by: By = None,
    horizon: Horizon = 28,
    level: Level = "80,95",
    model: Models = None,
    holidays: Holidays = None,
    events: Events = None,
    total: Annotated[bool, typer.Option("--total", help="The sum of all series too: they add up to it.")] = False,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Forecast daily series, with intervals, beside a backtest against the seasonal naive."""
    from foretide.evaluate.backtest import beside_naive

    with opened(workspace, as_of, output, lang, engine_of(engine, master, workers)) as place:
        measure = what or place.default_measure()
        moment = moment_of(place, measure, as_of)
        run = run_of(place, measure, by, horizon, level, moment, model or (), holidays, events, total=total)
        emit(run.forecast.to_frame(), print_as, output, title=say("cli.forecast", what=measure, h=horizon))
        if print_as is Format.table and run.backtest.height:
            emit(beside_naive(run.backtest), title=say("cli.backtest"))
        for code in run.notes:
            inform(say(f"forecast.note.{code}"))
        tell_grouping(place, run.forecast.ids, by, moment)


@app.command()
def backtest(
    what: What = None,
    workspace: WorkspaceDir = Path(),
    by: By = None,
    horizon: Horizon = 28,
    level: Level = "80,95",
    model: Models = None,
    holidays: Holidays = None,
    events: Events = None,
    weights: Annotated[bool, typer.Option("--weights", help="How much each model counts for each series.")] = False,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print what each model's errors were at earlier dates, or how much each counts now."""
    from foretide.evaluate.backtest import beside_naive

    with opened(workspace, as_of, output, lang, engine_of(engine, master, workers)) as place:
        measure = what or place.default_measure()
        moment = moment_of(place, measure, as_of)
        run = run_of(place, measure, by, horizon, level, moment, model or (), holidays, events)
        emit(run.weights if weights else beside_naive(run.backtest), print_as, output)
        for code in run.notes:
            inform(say(f"forecast.note.{code}"))


def run_of(
    place: Workspace,
    measure: str,
    by: str | None,
    h: int,
    level: str,
    moment: datetime | None,
    models: Sequence[str],
    holidays: str | None,
    events: Path | None,
    *,
    total: bool = False,
) -> Run:
    """Forecast as the options ask."""
    own = None if events is None else own_calendar(events)
    asked = [name for name in models if name != NOTHING_MORE] if models else BY_DEFAULT
    known = place.calendar(moment, holidays, own, days_ahead=h)
    return place.forecast(measure, by, h, parse_levels(level), moment, models=asked, events=known, total=total)


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
        rows = [(m.name, say(f"models.{m.name}"), m.tried, m.option, m.pools, m.extra) for m in MODELS]
        schema = ["model", "good_for", "tried", "option", "learns_from_panel", "extra"]
        emit(pl.DataFrame(rows, schema=schema, orient="row"), print_as, output)
