"""Commands about change: features, life, drift, habits, cohorts, stickiness, moves, changes, effects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.insight import tell_end
from foretide.cli.options import AsOf, EngineName, Format, Lang, Master, OutputFile, PrintAs, WorkspaceDir, parse_time
from foretide.cli.output import check_output, emit, inform, write_parts
from foretide.errors import UsageError
from foretide.text import say, speaking

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from foretide.events.engine import Engine
    from foretide.workspace import Workspace


class Kind(StrEnum):
    """Of retention."""

    week = "week"
    n_day = "n-day"
    unbounded = "unbounded"
    bracket = "bracket"


@contextmanager
def asked(workspace: Path, as_of: str | None, output: Path | None, lang: str) -> Iterator[tuple[Workspace, datetime]]:
    """Open what is asked about: the workspace, and the moment up to which it is known."""
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace)
        tell_end(place, as_of)
        yield place, place.moment(parse_time(as_of))


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
    from foretide.features.fold import feature_parts
    from foretide.features.state import THEMES
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace)
        for moment in as_of or ():
            tell_end(place, moment)
        cutoffs = [place.moment(parse_time(moment)) for moment in as_of or ()] or [place.moment()]
        themes = theme or tuple(THEMES)
        parts = feature_parts(place.store, cutoffs, place.rule, themes, engine=engine_of(engine, master))
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

    with asked(workspace, as_of, output, lang) as (place, moment):
        if user is not None:
            place.store.user(user)  # an unknown one is told
        told = stage_history(place.store, moment, place.rule, user and [user])
        if output is None and print_as is Format.table:  # files and programs get the codes
            told = in_words(in_words(told, "reason", "lifecycle.reason"), "stage", "stage")
        emit(told, print_as, output)


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
    with asked(workspace, as_of, output, lang) as (place, moment):
        emit(who_changed("interests", place, moment, everyone, rate, engine_of(engine, master)), print_as, output)


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
    with asked(workspace, as_of, output, lang) as (place, moment):
        emit(who_changed("habits", place, moment, everyone, rate, engine_of(engine, master)), print_as, output)


@app.command()
def cohorts(
    workspace: WorkspaceDir = Path(),
    kind: Annotated[
        Kind, typer.Option(help="Ages in weeks; or in days: exactly on, on or after, within 1-7, 8-14, 15-28.")
    ] = Kind.week,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print how many users of each weekly cohort are active later on."""
    from foretide.features.cohorts import retention

    with asked(workspace, as_of, output, lang) as (place, moment):
        told = retention(place.store, moment, place.rule, kind.value, engine=engine_of(engine, master))
        emit(told.with_columns(share=told["retained"] / told["users"]), print_as, output)


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
    from foretide.features.cohorts import stickiness

    with asked(workspace, as_of, output, lang) as (place, moment):
        told = stickiness(place.store, moment, place.rule, engine_of(engine, master))
        emit(told.sort("ds", descending=True), print_as, output)


@app.command()
def moves(
    workspace: WorkspaceDir = Path(),
    days: Annotated[int, typer.Option(min=1, help="From this many days ago to now.")] = 28,
    by_age: Annotated[bool, typer.Option("--by-age", help="By days since the user's first event.")] = False,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print how many users went from which stage to which."""
    from foretide.features.moves import all_ages, transition_matrices
    from foretide.features.series import last_day

    with asked(workspace, as_of, output, lang) as (place, moment):
        last = last_day(moment, place.store.timezone)
        first = last - timedelta(days=days)
        told = transition_matrices(place.store, first, last, place.rule, engine_of(engine, master))
        emit(told if by_age else all_ages(told), print_as, output)


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
    from foretide.features.change_points import change_points

    with asked(workspace, as_of, output, lang) as (place, moment):
        told = change_points(place.store, moment, place.rule, engine=engine_of(engine, master))
        emit(told, print_as, output)
        if told.is_empty():
            inform(say("evolution.no_changes"))


@app.command()
def effects(
    workspace: WorkspaceDir = Path(),
    holidays: Annotated[str | None, typer.Option(help="Holidays of a country or region: DE, DE-BY, CN, US.")] = None,
    events: Annotated[Path | None, typer.Option(help="Your events: a CSV with name,start,end[,category].")] = None,
    by: Annotated[str | None, typer.Option(help="The effect on each value of this column.")] = None,
    lasting: Annotated[
        bool, typer.Option("--lasting", help="What began may go on: compare with the weeks before only.")
    ] = False,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell what holidays and social events did: observed against expected, and against everyone else."""
    from foretide.features.effects import effects

    own = None if events is None else own_calendar(events)
    with asked(workspace, as_of, output, lang) as (place, moment):
        if holidays is None and own is None and not (place.settings.holidays or place.settings.events):
            raise UsageError(
                "name what may have had an effect: --holidays COUNTRY, --events FILE, or both, here or in foretide.toml"
            )
        known = place.calendar(moment, holidays, own)
        told = effects(place.store, known, moment, by, lasting=lasting, engine=engine_of(engine, master))
        emit(told if by is None else told.sort("p_value", nulls_last=True, maintain_order=True), print_as, output)
        tell_untold(known, told, by)


def own_calendar(file: Path) -> pl.DataFrame:
    """Read a team's events; a broken file is told before anything else is done."""
    from foretide.features.calendar import own_events

    return own_events(file)


def tell_untold(known: pl.DataFrame, told: pl.DataFrame, by: str | None) -> None:
    """Say which events have no row, and why some rows lack an interval."""
    lost = known.join(told, on=["event", "ds"], how="anti")["event"].unique(maintain_order=True).to_list()
    if lost:
        inform(say("evolution.no_effects", events=", ".join(lost)))
    if by != "category" and known["category"].null_count() < known.height:
        inform(say("evolution.category_ignored"))
    if told.filter(told["effect"].is_not_null() & told["p_value"].is_null()).height:
        inform(say("evolution.no_interval"))


def who_changed(
    what: str, place: Workspace, moment: datetime, everyone: bool, rate: float, engine: Engine
) -> pl.DataFrame:
    """Return the users who changed, those of whom it is surest first, and say how many there are."""
    import polars as pl

    from foretide.features.drift import drift as find

    found = find(place.store, moment, what, rate, engine=engine)  # type: ignore[arg-type]
    n = found.select(pl.col("changed").sum()).item()
    figures = {"n": n, "of": found.height, "able": found.filter(pl.col("p_least") <= rate).height}
    inform(say(f"evolution.changed_{what}", rate=f"{rate:.0%}", **{name: f"{x:,}" for name, x in figures.items()}))
    return (found if everyone else found.filter("changed")).sort("p_value", "user_id", nulls_last=True)


def engine_of(name: str, master: str | None) -> Engine:
    """Return the engine of the options."""
    from foretide.events.engine import engine_named

    return engine_named(name, master)


def in_words(table: pl.DataFrame, column: str, key: str) -> pl.DataFrame:
    """Replace codes by what they mean."""
    import polars as pl

    words = {code: say(f"{key}.{code}") for code in table[column].unique().drop_nulls()}
    return table.with_columns(pl.col(column).replace_strict(words, return_dtype=pl.String))
