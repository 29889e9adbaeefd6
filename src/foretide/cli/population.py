"""Commands about where the population goes: population, whatif."""

from __future__ import annotations

import math
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
    parse_levels,
)
from foretide.cli.output import emit, inform
from foretide.cli.words import on_screen
from foretide.text import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from foretide.users.stages import StageOutlook
    from foretide.workspace import Workspace

#: The least change in percent.
ALL_OF_IT = -100
Change = Annotated[str, typer.Option(metavar="PERCENT", help="A change in percent, such as +10 or -20.")]


@app.command()
def population(
    workspace: WorkspaceDir = Path(),
    horizon: Horizon = 28,
    level: Annotated[str, typer.Option(help="Interval levels in percent.")] = "80,95",
    accounting: Annotated[
        bool, typer.Option("--accounting", help="The account of active users ahead: new, resurrected, lost.")
    ] = False,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell how many users will be in each stage on each day ahead, with intervals."""
    levels = parse_levels(level)
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        told = stages_ahead(place, moment, horizon, levels)
        table = told.accounting if accounting else told.stages
        emit(on_screen(table, print_as, output), print_as, output)
        if print_as is Format.table and told.quality.height:
            emit(told.quality, title=say("users.quality"))
        for code in told.notes:
            inform(say(f"users.note.{code}"))


@app.command()
def whatif(
    workspace: WorkspaceDir = Path(),
    reactivation: Change = "0",
    arrivals: Change = "0",
    retention: Change = "0",
    horizon: Horizon = 28,
    accounting: Annotated[
        bool, typer.Option("--accounting", help="The account of active users ahead, as expected and if it were so.")
    ] = False,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Tell where the population would go if more came back, fewer arrived, or those who are there stayed.

    --reactivation changes the daily chance that a churned user comes back, --arrivals the new users of a day,
    --retention the daily chance that whoever is not churned acts.
    """
    changes = {
        name: percent(text, name)
        for name, text in (("reactivation", reactivation), ("arrivals", arrivals), ("retention", retention))
    }
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        from foretide.users.whatif import push_of, what_if

        push_of(**changes)  # what cannot be is refused before any work is done
        told = stages_ahead(place, moment, horizon)
        both = what_if(told, **changes)
        table = both.both_accounts if accounting else both.stages
        at_end = print_as is Format.table and output is None and not accounting
        table = table.filter(table["ds"] == table["ds"].max()) if at_end else table
        emit(on_screen(table, print_as, output), print_as, output)
        inform(active_words(told, changes))
        for code in told.notes:
            inform(say(f"users.note.{code}"))
        inform(say("users.caveat"))


def stages_ahead(place: Workspace, moment: datetime, horizon: int, levels: Sequence[int] = (80, 95)) -> StageOutlook:
    """Tell where the population of a workspace goes; what that takes is loaded once the moment is known."""
    from foretide.users.stages import stage_outlook

    return stage_outlook(place.store, moment, horizon, place.rule, levels, engine=place.engine)


def active_words(told: StageOutlook, changes: Mapping[str, float]) -> str:
    """Say how many users would be active at the end of the horizon, and how far luck moves that."""
    from foretide.users.whatif import push_of
    from foretide.users.whatif_luck import active_if

    row = active_if(told, [push_of(**changes)]).row(0, named=True)
    figures = {name: f"{row[name]:,.0f}" for name in ("active", "active_if")}
    figures |= {name: f"{row[name]:+,.1f}" for name in ("difference", "lo", "hi")}
    return say("users.active_if", date=told.stages["ds"].max(), **figures)


def percent(text: str, name: str) -> float:
    """Read ``+10`` or ``-20 %`` as a share."""
    try:
        change = float(text.strip().removesuffix("%"))
    except ValueError:
        change = math.nan
    if not ALL_OF_IT <= change < math.inf:
        raise typer.BadParameter(f"--{name} is a change in percent such as +10 or -20, at least -100, not {text!r}")
    return change / 100
