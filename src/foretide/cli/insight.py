"""Commands that answer: history, stages, growth, outlook, recommend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.asked import asked, engine_of, opened
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
    parse_time,
)
from foretide.cli.output import emit, inform
from foretide.cli.segments import Told, Where, tell_segments
from foretide.cli.words import on_screen
from foretide.text import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import polars as pl

    from foretide.outlook import Outlook
    from foretide.workspace import Workspace

What = Annotated[
    str | None,
    typer.Argument(help="events (the default), users, value, stages, interests, or series (ready-made)."),
]
By = Annotated[str | None, typer.Option(help="One series for each value of this column.")]
User = Annotated[str | None, typer.Argument(help="One user; else give --all.")]
Everyone = Annotated[bool, typer.Option("--all", help="All users.")]


@app.command()
def history(
    what: What = None,
    workspace: WorkspaceDir = Path(),
    by: By = None,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print the daily series of what has happened."""
    with opened(workspace, as_of, output, lang, engine_of(engine, master, workers)) as place:
        measure = what or place.default_measure()
        moment = moment_of(place, measure, as_of)
        panel = place.history(measure, by, moment)
        tell_grouping(place, panel.ids, by, moment)
        emit(panel.to_frame().sort("ds", descending=True, maintain_order=True), print_as, output)


@app.command()
def stages(
    workspace: WorkspaceDir = Path(),
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print every user's lifecycle stage and activity at a time."""
    with opened(workspace, as_of, output, lang, engine_of(engine, master, workers)) as place:
        emit(place.features(parse_time(as_of)), print_as, output)


@app.command()
def growth(
    workspace: WorkspaceDir = Path(),
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Print the daily account of active users: new, resurrected, lost."""
    with opened(workspace, as_of, output, lang, engine_of(engine, master, workers)) as place:
        account = place.growth(parse_time(as_of))
        emit(account.sort("ds", descending=True), print_as, output)


@app.command()
def outlook(
    user: User = None,
    everyone: Everyone = False,
    segment: Annotated[bool, typer.Option("--segment", help="Segments: those of --where, or found.")] = False,
    where: Where = None,
    interests: Annotated[
        bool, typer.Option("--interests", help="The shares of interests now and expected; of segments, their trends.")
    ] = False,
    workspace: WorkspaceDir = Path(),
    horizon: Horizon = 28,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell what users will do: stage, chance of inactivity, active days, interests."""
    by_segment = segments_asked(segment, where, user, everyone)
    users = None if by_segment else chosen(user, everyone)
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        if by_segment:
            told = Told.interests if interests else Told.outlook
            tell_segments(place, moment, horizon, where, told, print_as, output)
        else:
            tell_users(place.outlook(users, horizon, moment), users is not None, interests, print_as, output)


def segments_asked(segment: bool, where: list[str] | None, user: str | None, everyone: bool) -> bool:
    """Tell whether segments are asked about; refuse to tell of users and of segments at once."""
    if (segment or where) and (user is not None or everyone):
        raise typer.BadParameter("--segment and --where are about segments; leave out the user and --all")
    return segment or bool(where)


def tell_users(seen: Outlook, single: bool, interests: bool, print_as: Format, output: Path | None) -> None:
    """Print the outlook of all users or of a single one, or their interests."""
    if interests:
        emit(seen.interests, print_as, output)
    else:
        nested = single and (output.suffix.lower() == ".json" if output else print_as is Format.json)
        table = with_interests(seen) if nested else seen.told
        emit(on_screen(table, print_as, output), print_as, output)
        if single and print_as is Format.table and output is None:
            emit(seen.interests, title=say("cli.interests"))
    for note in seen.notes:
        inform(note)


@app.command()
def recommend(
    user: User = None,
    everyone: Everyone = False,
    workspace: WorkspaceDir = Path(),
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 10,
    repeats: Annotated[
        bool | None,
        typer.Option("--repeats/--no-repeats", help="May seen items come back?"),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why.")] = False,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Recommend items in the light of where users are heading."""
    with opened(workspace, as_of, output, lang, engine_of(engine, master, workers)) as place:
        picked = place.recommend(chosen(user, everyone), k, repeats=repeats, as_of=parse_time(as_of))
        emit(place.titled(picked.explained()) if explain else picked.items, print_as, output)
        for note in picked.notes:
            inform(note)


def with_interests(seen: Outlook) -> pl.DataFrame:
    """Return the outlook with a list of each user's interests, now and expected, the largest first."""
    import polars as pl

    names = [name for name in seen.interests.columns if name != "user_id"]
    ordered = seen.interests.sort("share_now", descending=True, nulls_last=True)
    lists = ordered.group_by("user_id", maintain_order=True).agg(interests=pl.struct(names))
    joined = seen.told.join(lists, on="user_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("interests").fill_null([]))


def chosen(user: str | None, everyone: bool) -> list[str] | None:
    """Return the users asked about, None for all."""
    if user is not None and everyone:
        raise typer.BadParameter(f"you named the user {user!r} and gave --all; leave one of them out")
    if user is None and not everyone:
        raise typer.BadParameter("name one user, or give --all")
    return None if user is None else [user]


def moment_of(place: Workspace, measure: str, as_of: str | None) -> datetime | None:
    """Return the moment up to which a measure is known; None for all of what was aggregated elsewhere."""
    return parse_time(as_of) if measure == "series" else place.moment(parse_time(as_of))


def tell_grouping(place: Workspace, ids: Sequence[str], by: str | None, moment: datetime | None) -> None:
    """Say how many of the smallest series were taken together."""
    from foretide.features.series import OTHER, n_grouped

    if OTHER in ids and moment is not None:
        column = by or "category"
        n = n_grouped(place.store, column, moment, engine=place.engine)
        inform(say("cli.grouped", n=f"{n:,}", column=column, name=OTHER))
