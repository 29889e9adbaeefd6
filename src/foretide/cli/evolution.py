"""Commands about how users come, stay and go: features, life, cohorts, stickiness, moves, mix."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.asked import asked, engine_of, opened, tell_end
from foretide.cli.options import (
    AsOf,
    EngineName,
    Format,
    Lang,
    Master,
    OutputFile,
    PrintAs,
    Workers,
    WorkspaceDir,
    parse_time,
)
from foretide.cli.output import emit, write_parts
from foretide.text import say

if TYPE_CHECKING:
    import polars as pl


class Kind(StrEnum):
    """Of retention."""

    week = "week"
    n_day = "n-day"
    unbounded = "unbounded"
    bracket = "bracket"


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
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print or write what was known of every user at one or more times."""
    from foretide.features.fold import feature_parts
    from foretide.features.state import THEMES

    with opened(workspace, None, output, lang, engine_of(engine, master, workers)) as place:
        for moment in as_of or ():
            tell_end(place, moment)
        cutoffs = [place.moment(parse_time(moment)) for moment in as_of or ()] or [place.moment()]
        themes = theme or tuple(THEMES)
        parts = feature_parts(place.store, cutoffs, place.rule, themes, engine=place.engine)
        write_parts(parts, print_as, output)


@app.command()
def life(
    user: Annotated[str | None, typer.Argument(help="One user. Default: all.")] = None,
    workspace: WorkspaceDir = Path(),
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell the stages of a user's life: since when, why, for how many days."""
    from foretide.features.history import stage_history

    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        if user is not None:
            place.store.user(user)  # an unknown one is told
        told = stage_history(place.store, moment, place.rule, user and [user], place.engine)
        if output is None and print_as is Format.table:  # files and programs get the codes
            told = in_words(in_words(told, "reason", "lifecycle.reason"), "stage", "stage")
        emit(told, print_as, output)


@app.command()
def cohorts(
    workspace: WorkspaceDir = Path(),
    kind: Annotated[
        Kind, typer.Option(help="Ages in weeks; or in days: exactly on, on or after, within 1-7, 8-14, 15-28.")
    ] = Kind.week,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print how many users of each weekly cohort are active later on."""
    from foretide.features.cohorts import retention

    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        told = retention(place.store, moment, place.rule, kind.value, engine=place.engine)
        emit(told.with_columns(share=told["retained"] / told["users"]), print_as, output)


@app.command()
def stickiness(
    workspace: WorkspaceDir = Path(),
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print users active in a day, a week and 28 days, and the first over the last."""
    from foretide.features.cohorts import stickiness

    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        told = stickiness(place.store, moment, place.rule, place.engine)
        emit(told.sort("ds", descending=True), print_as, output)


@app.command()
def moves(
    workspace: WorkspaceDir = Path(),
    days: Annotated[int, typer.Option(min=1, help="From this many days ago to now.")] = 28,
    by_age: Annotated[bool, typer.Option("--by-age", help="By days since the user's first event.")] = False,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print how many users went from which stage to which."""
    from foretide.features.moves import all_ages, transition_matrices
    from foretide.features.series import last_day

    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        last = last_day(moment, place.store.timezone)
        first = last - timedelta(days=days)
        told = transition_matrices(place.store, first, last, place.rule, place.engine)
        emit(told if by_age else all_ages(told), print_as, output)


@app.command()
def mix(
    workspace: WorkspaceDir = Path(),
    top: Annotated[int, typer.Option(min=1, help="The largest categories; the others are one.")] = 8,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print the share of each category in the events of each week."""
    from foretide.features.moves import interest_mix

    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        told = interest_mix(place.store, moment, top, place.engine)
        emit(told.sort("ds", descending=True, maintain_order=True), print_as, output)


def in_words(table: pl.DataFrame, column: str, key: str) -> pl.DataFrame:
    """Replace codes by what they mean."""
    import polars as pl

    words = {code: say(f"{key}.{code}") for code in table[column].unique().drop_nulls()}
    return table.with_columns(pl.col(column).replace_strict(words, return_dtype=pl.String))
