"""Commands about forecasts of series: forecast, backtest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
from foretide.cli.output import check_output, emit, inform, unfinished
from foretide.errors import UnreadableFileError
from foretide.forecast.catalogue import BY_DEFAULT
from foretide.text import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import polars as pl

    from foretide.forecast.engine import Run
    from foretide.workspace import Workspace

#: Stands for no further models.
NOTHING_MORE = "none"
#: What a chart may be written as.
CHARTS: dict[str, Literal["html", "png", "svg"]] = {".html": "html", ".png": "png", ".svg": "svg"}

Level = Annotated[str, typer.Option(help="Interval levels in percent.")]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="Try this beside the fast models: lightgbm (the default), theta, arima, 'arima(5,1,2)', ridge, forest, "
        "lstm and others (foretide models has all); none: nothing more. May be given several times.",
    ),
]
Holidays = Annotated[
    str | None, typer.Option(help="Holidays of a country or region, past and to come: DE, DE-BY, CN, US.")
]
Events = Annotated[Path | None, typer.Option(help=f"Your events, past and to come: {OWN_EVENTS}")]
Covariates = Annotated[
    Path | None,
    typer.Option(help="Prices and promotions, past and to come: a CSV or Parquet file with ds, figures[, unique_id]."),
]


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
    covariates: Covariates = None,
    total: Annotated[bool, typer.Option("--total", help="The sum of all series too: they add up to it.")] = False,
    parts: Annotated[
        bool, typer.Option("--parts", help="What the medians are made of, in place of intervals.")
    ] = False,
    chart: Annotated[Path | None, typer.Option(help="Draw what the medians are made of: .html, .png or .svg.")] = None,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Forecast daily series, with intervals, beside a backtest against the seasonal naive."""
    from foretide.features.measures import SHARES

    check_output(chart, CHARTS)
    with opened(workspace, as_of, output, lang, engine_of(engine, master, workers)) as place:
        measure = what or place.default_measure()
        moment = moment_of(place, measure, as_of)
        known = Known(holidays, events, covariates)
        run = run_of(place, measure, by, horizon, level, moment, model or (), known, total=total)
        told = run.parts if parts else run.frame
        title = "cli.forecast_shares" if measure in SHARES else "cli.forecast"
        emit(told, print_as, output, title=say(title, what=measure, h=horizon))
        if print_as is Format.table and run.backtest.height:
            tell_backtest(run)
        if chart is not None:
            draw_parts(run, chart)
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
    covariates: Covariates = None,
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
        known = Known(holidays, events, covariates)
        run = run_of(place, measure, by, horizon, level, moment, model or (), known)
        emit(run.weights if weights else beside_naive(run.backtest), print_as, output)
        if run.backtest.height and not weights:
            inform(say("cli.coverages"))
        for code in run.notes:
            inform(say(f"forecast.note.{code}"))


@dataclass(frozen=True)
class Known:
    """What is known of days past and to come, as the options name it."""

    holidays: str | None = None
    events: Path | None = None
    covariates: Path | None = None


def run_of(
    place: Workspace,
    measure: str,
    by: str | None,
    h: int,
    level: str,
    moment: datetime | None,
    models: Sequence[str],
    known: Known,
    *,
    total: bool = False,
) -> Run:
    """Forecast as the options ask."""
    from foretide.features.measures import SHARES

    if measure in SHARES and (models or total or known != Known()):
        inform(say("cli.shares_alone", what=measure))
    own = None if known.events is None else own_calendar(known.events)
    figures = None if known.covariates is None else own_covariates(known.covariates)
    asked = [name for name in models if name != NOTHING_MORE] if models else BY_DEFAULT
    days = place.calendar(moment, known.holidays, own, days_ahead=h)
    levels = parse_levels(level)
    return place.forecast(measure, by, h, levels, moment, models=asked, events=days, covariates=figures, total=total)


def own_covariates(file: Path) -> pl.DataFrame:
    """Read prices and promotions; a broken file is told before anything else is done."""
    import polars as pl

    from foretide.forecast.known_ahead import covariates_of

    try:
        given = pl.read_parquet(file) if file.suffix.lower() == ".parquet" else pl.read_csv(file, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise UnreadableFileError(f"{file} cannot be read ({reason}); give a CSV or Parquet file with ds") from error
    return covariates_of(given)


def tell_backtest(run: Run) -> None:
    """Print the backtest of a forecast."""
    from foretide.evaluate.backtest import beside_naive

    emit(beside_naive(run.backtest), title=say("cli.backtest"))
    inform(say("cli.coverages"))


def draw_parts(run: Run, file: Path) -> None:
    """Draw what a forecast is made of."""
    from foretide.report.parts_chart import write_parts

    with unfinished(file) as scratch:
        write_parts(run.parts, scratch, CHARTS[file.suffix.lower()])
    inform(say("cli.drawn", path=file))
