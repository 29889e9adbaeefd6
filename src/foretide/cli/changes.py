"""Commands about what changed, and what came of it: drift, habits, changes, effects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.asked import asked, engine_of
from foretide.cli.options import (
    OWN_EVENTS,
    AsOf,
    EngineName,
    Format,
    Lang,
    Master,
    OutputFile,
    PrintAs,
    Workers,
    WorkspaceDir,
)
from foretide.cli.output import emit, inform
from foretide.errors import UsageError
from foretide.text import say

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from foretide.workspace import Workspace


@app.command()
def drift(
    workspace: WorkspaceDir = Path(),
    everyone: Annotated[bool, typer.Option("--all", help="Also users without a clear change.")] = False,
    rate: Annotated[float, typer.Option(help="Share of false alarms among those told.")] = 0.05,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Find users whose interests changed: the last 28 days against the 84 before."""
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        emit(who_changed("interests", place, moment, everyone, rate), print_as, output)


@app.command()
def habits(
    workspace: WorkspaceDir = Path(),
    everyone: Annotated[bool, typer.Option("--all", help="Also users without a clear change.")] = False,
    rate: Annotated[float, typer.Option(help="Share of false alarms among those told.")] = 0.05,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Find users whose hours and weekdays changed: the last 28 days against the 84 before."""
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        emit(who_changed("habits", place, moment, everyone, rate), print_as, output)


@app.command()
def changes(
    workspace: WorkspaceDir = Path(),
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Find the days on which a rate of the population changed its level, for other reasons than known events."""
    from foretide.features.change_points import change_points

    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        known = place.calendar(moment)
        told = change_points(place.store, moment, place.rule, engine=place.engine, calendar=known)
        emit(told, print_as, output)
        if told.is_empty():
            inform(say("evolution.no_changes"))


@app.command()
def effects(
    workspace: WorkspaceDir = Path(),
    holidays: Annotated[str | None, typer.Option(help="Holidays of a country or region: DE, DE-BY, CN, US.")] = None,
    events: Annotated[Path | None, typer.Option(help=f"Your events: {OWN_EVENTS}")] = None,
    by: Annotated[str | None, typer.Option(help="The effect on each value of this column.")] = None,
    lasting: Annotated[
        bool, typer.Option("--lasting", help="What began may go on: compare with the weeks before only.")
    ] = False,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell what holidays and social events did: observed against expected, and against everyone else."""
    from foretide.features.effects import effects

    own = None if events is None else own_calendar(events)
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        if holidays is None and own is None and not (place.settings.holidays or place.settings.events):
            raise UsageError(
                "name what may have had an effect: --holidays COUNTRY, --events FILE, or both, here or in foretide.toml"
            )
        known = place.calendar(moment, holidays, own)
        told = effects(place.store, known, moment, by, lasting=lasting, engine=place.engine)
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


def who_changed(what: str, place: Workspace, moment: datetime, everyone: bool, rate: float) -> pl.DataFrame:
    """Return the users who changed, those of whom it is surest first, and say how many there are."""
    import polars as pl

    from foretide.features.drift import drift as find

    found = find(place.store, moment, what, rate, engine=place.engine)  # type: ignore[arg-type]
    n = found.select(pl.col("changed").sum()).item()
    figures = {"n": n, "of": found.height, "able": found.filter(pl.col("p_least") <= rate).height}
    inform(say(f"evolution.changed_{what}", rate=f"{rate:.0%}", **{name: f"{x:,}" for name, x in figures.items()}))
    return (found if everyone else found.filter("changed")).sort("p_value", "user_id", nulls_last=True)
