"""Commands about groups of users and the users worth acting on: segments, worth."""

from __future__ import annotations

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
from foretide.cli.words import on_screen
from foretide.text import say

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from foretide.outlook import Outlook
    from foretide.workspace import Workspace

Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=CONDITION",
        help="A segment of your own: risky=\"stage == 'at_risk' and p_inactive > 0.5\". May be given several times; "
        "without any, segments are found.",
    ),
]


@app.command()
def segments(
    workspace: WorkspaceDir = Path(),
    where: Where = None,
    users: Annotated[bool, typer.Option("--users", help="Who is in which segment.")] = False,
    interests: Annotated[bool, typer.Option("--interests", help="Which interests rise and fall in each.")] = False,
    horizon: Horizon = 28,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell what segments of users are heading for."""
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        what = Told.users if users else Told.interests if interests else Told.outlook
        tell_segments(place, moment, horizon, where, what, print_as, output)


class Told(StrEnum):
    """What is told of segments."""

    outlook = "outlook"
    users = "users"
    interests = "interests"


def tell_segments(
    place: Workspace,
    moment: datetime,
    horizon: int,
    where: list[str] | None,
    what: Told,
    print_as: Format,
    output: Path | None,
) -> None:
    """Print the outlook of segments, who is in which, or which interests rise and fall in each."""
    from foretide.users.interest_trends import interest_trends
    from foretide.users.segments import segment_outlook

    conditions = dict(named_condition(text) for text in where or ())
    seen = place.outlook(None, horizon, moment)
    members = place.members(seen.told, conditions, moment)
    if what is Told.users:
        table = members
    elif what is Told.interests:
        table = interest_trends(place.store, moment, horizon, members, place.engine)
    else:
        table = segment_outlook(seen.told, members, seen.interests)
    as_text = print_as is not Format.json if output is None else output.suffix.lower() == ".csv"
    emit(on_screen(in_one_cell(table) if as_text else table, print_as, output), print_as, output)
    for note in seen.notes:
        inform(note)


@app.command()
def worth(
    workspace: WorkspaceDir = Path(),
    n: Annotated[
        int | None, typer.Option("-n", help="How many users; all with something at stake if left out.")
    ] = None,
    hopeless: Annotated[float, typer.Option(help="Users with a higher chance of no activity are left out.")] = 0.9,
    horizon: Horizon = 28,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """List the users with the most at stake: what they would bring if they came, times the chance that they do not."""
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        seen = place.outlook(None, horizon, moment)
        table = at_stake(seen, n, hopeless)
        emit(on_screen(table, print_as, output), print_as, output)
        for note in seen.notes:
            inform(note)
        inform(say("segments.experiment"))


#: The segment of all users, as in ``foretide.users.interest_trends``.
EVERYBODY = "all"


def at_stake(seen: Outlook, n: int | None, hopeless: float) -> pl.DataFrame:
    """Return the users of an outlook who are worth acting on; what that takes is loaded once there is one."""
    from foretide.users.segments import worth_acting_on

    return worth_acting_on(seen.told, seen.interests, n, hopeless)


def named_condition(text: str) -> tuple[str, str]:
    """Read ``NAME=CONDITION``."""
    name, is_pair, condition = text.partition("=")
    if not is_pair or not name.strip().isidentifier() or condition.startswith("="):
        raise typer.BadParameter(f'write NAME=CONDITION, such as risky="p_inactive > 0.5", not {text!r}')
    if name.strip() == EVERYBODY:
        raise typer.BadParameter(f"{EVERYBODY!r} stands for all users; choose another name for {condition!r}")
    return name.strip(), condition


def in_one_cell(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with its lists as text."""
    import polars as pl
    from polars import selectors

    return table.with_columns(selectors.by_dtype(pl.List(pl.String)).list.join(", "))
