"""Commands about change: features, life, drift, habits, cohorts, stickiness, moves, changes, effects."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.options import AsOf, EngineName, Format, Lang, Master, OutputFile, PrintAs, WorkspaceDir, parse_time
from foretide.cli.output import check_output, emit, inform, write_parts
from foretide.errors import UsageError
from foretide.text import say, speaking

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from foretide.workspace import Workspace

KINDS = ("week", "n-day", "unbounded", "bracket")


@app.command()
def features(
    workspace: WorkspaceDir = Path(),
    theme: Annotated[
        list[str] | None, typer.Option(help="activity, habits or interests; repeatable. Default: all.")
    ] = None,
    as_of: Annotated[
        list[str] | None, typer.Option(help="A cut-off, exclusive; repeatable. Default: the end of the last whole day.")
    ] = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print or write what was known of every user at one or more times."""
    from foretide.events.engine import engine_named
    from foretide.features.fold import feature_parts
    from foretide.features.state import THEMES
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace)
        cutoffs = [place.moment(parse_time(moment)) for moment in as_of or ()] or [place.moment()]
        themes = theme or tuple(THEMES)
        parts = feature_parts(place.store, cutoffs, place.rule, themes, engine=engine_named(engine, master))
        write_parts(parts, print_as, output)


@app.command()
def life(
    user: Annotated[str | None, typer.Argument(help="One user. Default: all.")] = None,
    workspace: WorkspaceDir = Path(),
    as_of: AsOf = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell the stages of a user's life: since when, why, for how many days."""
    from foretide.features.history import stage_history
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace)
        if user is not None:
            place.store.user(user)  # an unknown one is told
        told = stage_history(place.store, place.moment(parse_time(as_of)), place.rule, user and [user])
        emit(in_words(told, "reason", "lifecycle.reason"), print_as, output)


@app.command()
def drift(
    workspace: WorkspaceDir = Path(),
    everyone: Annotated[bool, typer.Option("--all", help="Also users without a clear change.")] = False,
    rate: Annotated[float, typer.Option(help="Share of false alarms among those told.")] = 0.05,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Find users whose interests changed: the last 28 days against the 84 before."""
    check_output(output)
    with speaking(lang):
        tell_changed("interests", workspace, everyone, rate, as_of, (engine, master), print_as, output)


@app.command()
def habits(
    workspace: WorkspaceDir = Path(),
    everyone: Annotated[bool, typer.Option("--all", help="Also users without a clear change.")] = False,
    rate: Annotated[float, typer.Option(help="Share of false alarms among those told.")] = 0.05,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Find users whose hours and weekdays changed: the last 28 days against the 84 before."""
    check_output(output)
    with speaking(lang):
        tell_changed("habits", workspace, everyone, rate, as_of, (engine, master), print_as, output)


@app.command()
def cohorts(
    workspace: WorkspaceDir = Path(),
    kind: Annotated[str, typer.Option(help="week, n-day, unbounded or bracket.")] = "week",
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print how many users of each weekly cohort are active later on."""
    from foretide.events.engine import engine_named
    from foretide.features.cohorts import retention
    from foretide.workspace import Workspace

    check_output(output)
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is not one of {', '.join(KINDS)}")
    with speaking(lang):
        place = Workspace.open(workspace)
        moment = place.moment(parse_time(as_of))
        told = retention(place.store, moment, place.rule, kind, engine=engine_named(engine, master))  # type: ignore[arg-type]
        emit(told, print_as, output)


@app.command()
def stickiness(
    workspace: WorkspaceDir = Path(),
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print users active in a day, a week and 28 days, and the first over the last."""
    from foretide.events.engine import engine_named
    from foretide.features.cohorts import stickiness
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace)
        told = stickiness(place.store, place.moment(parse_time(as_of)), place.rule, engine_named(engine, master))
        emit(told.sort("ds", descending=True), print_as, output)


@app.command()
def moves(
    workspace: WorkspaceDir = Path(),
    days: Annotated[int, typer.Option(min=1, help="From this many days ago to now.")] = 28,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print how many users went from which stage to which, by their age."""
    from foretide.events.engine import engine_named
    from foretide.features.moves import transition_matrices
    from foretide.features.series import last_day
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace)
        last = last_day(place.moment(parse_time(as_of)), place.store.timezone)
        first = last - timedelta(days=days)
        emit(transition_matrices(place.store, first, last, place.rule, engine_named(engine, master)), print_as, output)


@app.command()
def changes(
    workspace: WorkspaceDir = Path(),
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Find the days on which a rate of the population changed its level."""
    from foretide.events.engine import engine_named
    from foretide.features.change_points import change_points
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace)
        told = change_points(
            place.store, place.moment(parse_time(as_of)), place.rule, engine=engine_named(engine, master)
        )
        emit(told, print_as, output)
        if told.is_empty():
            inform(say("evolution.no_changes"))


@app.command()
def effects(
    workspace: WorkspaceDir = Path(),
    holidays: Annotated[str | None, typer.Option(help="Holidays of a country or region: DE, DE-BY, CN, US.")] = None,
    events: Annotated[Path | None, typer.Option(help="Your events: a CSV with name,start,end[,category].")] = None,
    by: Annotated[str | None, typer.Option(help="The effect on each value of this column.")] = None,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell what holidays and social events did: observed against expected, and against everyone else."""
    from foretide.events.engine import engine_named
    from foretide.features.effects import effects
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace)
        moment = place.moment(parse_time(as_of))
        known = calendar(place, holidays, events, moment)
        told = effects(place.store, known, moment, by, engine=engine_named(engine, master))
        emit(told if by is None else told.sort("p_value", nulls_last=True, maintain_order=True), print_as, output)
        if told.is_empty():
            inform(say("evolution.no_effects"))


def calendar(place: Workspace, holidays: str | None, events: Path | None, moment: datetime) -> pl.DataFrame:
    """Return the events that are asked about, those of the log's days."""
    import polars as pl

    from foretide.features.calendar import CALENDAR, country_holidays, own_events
    from foretide.features.series import last_day

    if holidays is None and events is None:
        raise UsageError("name what may have had an effect: --holidays COUNTRY, --events FILE, or both")
    parts = [CALENDAR.to_frame()] + ([] if events is None else [own_events(events)])
    span = place.store.span()
    if holidays is not None and span is not None:
        zone = place.store.timezone
        parts.append(country_holidays(holidays, last_day(span[0] + timedelta(days=1), zone), last_day(moment, zone)))
    return pl.concat(parts).sort("ds")


def tell_changed(
    what: str,
    workspace: Path,
    everyone: bool,
    rate: float,
    as_of: str | None,
    engine: tuple[str, str | None],
    print_as: Format,
    output: Path | None,
) -> None:
    """Print the users who changed, those of whom it is surest first."""
    import polars as pl

    from foretide.events.engine import engine_named
    from foretide.features.drift import drift as find
    from foretide.workspace import Workspace

    place = Workspace.open(workspace)
    found = find(place.store, place.moment(parse_time(as_of)), what, rate, engine=engine_named(*engine))  # type: ignore[arg-type]
    told = found if everyone else found.filter("changed")
    emit(told.sort("p_value", "user_id", nulls_last=True), print_as, output)
    n = found.select(pl.col("changed").sum()).item()
    inform(say(f"evolution.changed_{what}", n=f"{n:,}", of=f"{found.height:,}", rate=f"{rate:.0%}"))


def in_words(table: pl.DataFrame, column: str, key: str) -> pl.DataFrame:
    """Replace codes by what they mean."""
    import polars as pl

    words = {code: say(f"{key}.{code}") for code in table[column].unique().drop_nulls()}
    return table.with_columns(pl.col(column).replace_strict(words, return_dtype=pl.String))
