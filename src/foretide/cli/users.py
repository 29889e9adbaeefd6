"""Commands about single users: explain."""

from __future__ import annotations

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
from foretide.text import say

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from foretide.workspace import Workspace

#: Of the visits and days of silence that were tried, these are shown, and the one that turns the outlook.
SHOWN = (1, 2, 3, 5, 7, 14, 21, 28, 42, 56, 90)


@app.command()
def explain(
    user: Annotated[str | None, typer.Argument(help="One user; the model as a whole if left out.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="The reasons of every user.")] = False,
    workspace: WorkspaceDir = Path(),
    horizon: Horizon = 28,
    likely: Annotated[
        float, typer.Option(help="Above this chance of no activity a user is expected to stay away.")
    ] = 0.5,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell why the outlook of a user is what it is, and what would turn it."""
    if user is not None and everyone:
        raise typer.BadParameter(f"you named the user {user!r} and gave --all; leave one of them out")
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        if user is not None:
            explain_one(place, user, horizon, moment, likely, print_as, output)
        elif everyone:
            emit(reasons_of_all(place, horizon, moment), print_as, output, title=say("explain.title"))
        else:
            emit(with_words(place.explain_model(horizon, moment)), print_as, output, title=say("explain.whole"))
        inform(say("explain.caveat"))


def reasons_of_all(place: Workspace, horizon: int, moment: datetime) -> pl.DataFrame:
    """Return the reasons of every user in words, as the model that was chosen has them."""
    from foretide.explain import explain_users

    return explain_users(place.store, moment, horizon, place.rule, place.chosen(horizon, moment), place.engine)


def explain_one(
    place: Workspace, user: str, horizon: int, moment: datetime, likely: float, print_as: Format, output: Path | None
) -> None:
    """Print why, and what would turn it."""
    from foretide.explain import in_percent

    told = place.explain(user, horizon, moment, likely)
    inform(say("explain.away", user=user, model=told.model, days=horizon, p=in_percent(told.p_inactive, 1)))
    emit(told.reasons, print_as, output, title=say("explain.title"))
    if print_as is Format.table and output is None:
        some = told.turning.filter(told.turning["n"].is_in(SHOWN) | told.turning["turns"])
        emit(tried_in_words(some), title=say("explain.turning_title"))
    for note in (told.turns, *told.notes):
        inform(note)


def tried_in_words(turning: pl.DataFrame) -> pl.DataFrame:
    """Return what was tried as a person reads it."""
    import polars as pl

    kinds = {kind: say(f"explain.tried_{kind}") for kind in ("visits", "silence")}
    turns = pl.when("turns").then(pl.lit(say("explain.turned"))).otherwise(pl.lit(say("explain.not_turned")))
    return turning.with_columns(pl.col("kind").replace(kinds), turns=turns)


def with_words(table: pl.DataFrame) -> pl.DataFrame:
    """Add what each reason is about."""
    import polars as pl

    words = [say(f"explain.reason_{reason}") for reason in table["reason"]]
    return table.with_columns(about=pl.Series(words, dtype=pl.String))
