"""Commands that show the whole: report and demo."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.asked import engine_of, tell_end
from foretide.cli.data import load, show_counts
from foretide.cli.options import AsOf, EngineName, Horizon, Lang, Master, Workers, WorkspaceDir, parse_time
from foretide.cli.output import check_output, emit, inform
from foretide.cli.waiting import at_work
from foretide.errors import UsageError
from foretide.text import say, speaking

if TYPE_CHECKING:
    from foretide.events.sources.simulator_scenario import Scenario
    from foretide.outlook import Outlook
    from foretide.workspace import Workspace

SIMULATED = "simulated"
HORIZON_DAYS = 28
PLANTED = "events.csv"
#: What a report can be called.
PAGES = (".html", ".htm")


@app.command()
def report(
    workspace: WorkspaceDir = Path(),
    horizon: Horizon = 28,
    as_of: AsOf = None,
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file.")] = Path("report.html"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="A model of users to compare, or all. May be given several times; without it those that learn in "
            "seconds.",
        ),
    ] = None,
    lang: Lang = "en",
) -> None:
    """Write one self-contained HTML file that tells where the users are heading."""
    from foretide.report.gather import make_report
    from foretide.workspace import Workspace

    check_output(output, PAGES)
    with speaking(lang):
        place = Workspace.open(workspace, engine_of(engine, master, workers))
        tell_end(place, as_of)
        with at_work():
            path = make_report(place, output, horizon, parse_time(as_of), lang, model or ())
        inform(say("cli.report", path=path))


@app.command()
def demo(
    data: Annotated[str, typer.Option(help="complete-journey or simulated.")] = "complete-journey",
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder to make.")] = Path("demo"),
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    lang: Lang = "en",
) -> None:
    """Run the main job on real purchases, or on simulated ones: import, forecast, recommend, report."""
    from foretide.report.gather import gather_events
    from foretide.report.html import write_report
    from foretide.settings import Settings
    from foretide.workspace import Workspace

    chosen = engine_of(engine, master, workers)
    with speaking(lang):
        if Settings.exists(workspace):
            inform(say("cli.demo.there", folder=workspace))
        else:
            make_demo(data, workspace)
        place = Workspace.open(workspace, chosen)
        with at_work():
            seen = place.outlook()
            show_answers(place, seen)
        with at_work():
            path = write_report(gather_events(place, HORIZON_DAYS, None, seen), workspace / "report.html", lang)
        typer.echo(say("cli.demo.done", path=path.resolve().as_uri(), folder=workspace))


def make_demo(data: str, folder: Path) -> None:
    """Make a workspace with demo data."""
    from foretide.events.sources.public import PUBLIC

    if data == SIMULATED:
        make_simulated(folder)
    elif data in PUBLIC:
        make_public(data, folder)
    else:
        raise UsageError(f"there are no data {data!r}; give {', '.join((*PUBLIC, SIMULATED))}")


def make_public(data: str, folder: Path) -> None:
    """Import a public data set."""
    from foretide.events.sources.files import sniff
    from foretide.events.sources.public import PUBLIC
    from foretide.workspace import Workspace

    found = PUBLIC[data]()
    typer.echo(say(found.note))
    place = Workspace.create(folder, timezone=found.local_timezone, holidays=found.holidays)
    sources = [
        sniff(found.items, corrections=found.items_map, kind="items"),
        sniff(found.users, corrections=found.users_map, kind="users"),
        sniff(
            found.events,
            corrections=found.events_map,
            timezone=found.timezone,
            event_type=found.event_type,
            kind="events",
        ),
    ]
    for source in sources:
        show_counts(source.path.name, load(place, source))


def make_simulated(folder: Path) -> None:
    """Simulate a shop."""
    from foretide.events.sources.simulator import scenario_defaults, simulate
    from foretide.workspace import Workspace

    log = simulate(scenario_defaults["ecommerce"])
    place = Workspace.create(folder, events=PLANTED)
    (folder / PLANTED).write_text(planted_event(log.scenario), encoding="utf-8")
    place.store.put("items", log.items)
    place.store.put("users", log.users)
    show_counts(SIMULATED, place.ingest(log.events, SIMULATED))


def planted_event(scenario: Scenario) -> str:
    """Return the calendar of what happens in a simulated world."""
    lines = ["name,start,end"]
    if scenario.social_event is not None:
        start = scenario.start + timedelta(days=scenario.day(scenario.social_event.day))
        lines.append(f"festival,{start},{start + timedelta(days=scenario.social_event.duration_days - 1)}")
    return "\n".join(lines) + "\n"


def show_answers(place: Workspace, seen: Outlook) -> None:
    """Print a forecast, and what the busiest user will do and should be shown."""
    from foretide.evaluate.backtest import beside_naive

    run = place.forecast("users", h=HORIZON_DAYS)
    emit(run.frame.head(7), title=say("cli.demo.forecast"))
    emit(beside_naive(run.backtest), title=say("cli.backtest"))
    user = seen.users.sort("expected_active_days", descending=True)["user_id"][0]
    emit(seen.users.filter(user_id=user), title=say("cli.demo.outlook", user=user))
    picked = place.recommend([user], k=5, interests=seen.interests)
    shown = place.titled(picked.explained()).select("item_id", "title", "score", "reason")
    emit(shown, title=say("cli.demo.recommend", user=user))
