"""Commands about groups of users and the users worth acting on: segments, worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.asked import engine_of, opened
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
from foretide.text import say

if TYPE_CHECKING:
    import polars as pl

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
    from foretide.users.interest_trends import interest_trends
    from foretide.users.segments import segment_outlook

    conditions = dict(named_condition(text) for text in where or ())
    with opened(workspace, as_of, output, lang, engine_of(engine, master, workers)) as place:
        moment = place.moment(parse_time(as_of))
        seen = place.outlook(None, horizon, moment)
        members = place.members(seen.told, conditions, moment)
        if users:
            emit(members, print_as, output)
        elif interests:
            emit(interest_trends(place.store, moment, horizon, members, place.engine), print_as, output)
        else:
            table = segment_outlook(seen.told, members, seen.interests)
            emit(in_one_cell(table) if output is None or output.suffix == ".csv" else table, print_as, output)
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
    from foretide.users.segments import worth_acting_on

    with opened(workspace, as_of, output, lang, engine_of(engine, master, workers)) as place:
        seen = place.outlook(None, horizon, place.moment(parse_time(as_of)))
        emit(worth_acting_on(seen.told, seen.interests, n, hopeless), print_as, output)
        for note in seen.notes:
            inform(note)
        inform(say("segments.experiment"))


def named_condition(text: str) -> tuple[str, str]:
    """Read ``NAME=CONDITION``."""
    name, is_pair, condition = text.partition("=")
    if not is_pair or not name.strip().isidentifier() or condition.startswith("="):
        raise typer.BadParameter(f'write NAME=CONDITION, such as risky="p_inactive > 0.5", not {text!r}')
    return name.strip(), condition


def in_one_cell(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with its lists as text."""
    import polars as pl
    from polars import selectors

    return table.with_columns(selectors.by_dtype(pl.List(pl.String)).list.join(", "))
