"""Commands about where the population goes: population, whatif."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from foretide.text import say

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
    from foretide.users.stages import stage_outlook

    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        told = stage_outlook(place.store, moment, horizon, place.rule, parse_levels(level), engine=place.engine)
        emit(told.accounting if accounting else told.stages, print_as, output)
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
    from foretide.users.stages import stage_outlook
    from foretide.users.whatif import what_if

    changes = {
        name: percent(text, name)
        for name, text in (("reactivation", reactivation), ("arrivals", arrivals), ("retention", retention))
    }
    with asked(workspace, as_of, output, lang, engine_of(engine, master, workers)) as (place, moment):
        told = stage_outlook(place.store, moment, horizon, place.rule, engine=place.engine)
        both = what_if(told, **changes).stages
        emit(both.filter(both["ds"] == both["ds"].max()) if print_as is Format.table else both, print_as, output)
        for code in told.notes:
            inform(say(f"users.note.{code}"))
        inform(say("users.caveat"))


def percent(text: str, name: str) -> float:
    """Read ``+10`` or ``-20 %`` as a share."""
    try:
        return float(text.strip().removesuffix("%")) / 100
    except ValueError:
        raise typer.BadParameter(f"--{name} is a change in percent such as +10 or -20, not {text!r}") from None
