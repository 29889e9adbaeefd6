"""Commands that bring events in and judge them: init, import, check, quarantine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretide.cli import app
from foretide.cli.asked import engine_of, opened
from foretide.cli.options import (
    OWN_EVENTS,
    EngineName,
    Format,
    Lang,
    Master,
    OutputFile,
    PrintAs,
    Workers,
    WorkspaceDir,
    parse_pairs,
)
from foretide.cli.output import check_output, emit, inform, progress_of_rows
from foretide.text import say, speaking

if TYPE_CHECKING:
    from foretide.events.records import Counts
    from foretide.events.sources.files import FileSource
    from foretide.workspace import Workspace


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new workspace.")],
    domain: Annotated[str, typer.Option(help="ecommerce, video, social or risk.")] = "ecommerce",
    timezone: Annotated[str, typer.Option(help="Zone whose midnights begin a day.")] = "UTC",
    window_days: Annotated[int, typer.Option(help="Lifecycle window W.")] = 7,
    critical_event: Annotated[
        list[str] | None, typer.Option(help="Event type that keeps a user alive; repeatable.")
    ] = None,
    holidays: Annotated[str, typer.Option(help="Country or region whose holidays may move activity: US, DE-BY.")] = "",
    events: Annotated[
        str, typer.Option(help=f"Your events, past and to come; a path as seen from the folder: {OWN_EVENTS}")
    ] = "",
    lang: Lang = "en",
) -> None:
    """Make a folder into a workspace."""
    from foretide.workspace import Workspace

    with speaking(lang):
        Workspace.create(
            folder,
            domain=domain,
            timezone=timezone,
            window_days=window_days,
            critical_events=tuple(critical_event or ()),
            holidays=holidays,
            events=events,
        )
        inform(say("cli.created", folder=folder))


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV, TSV, JSON Lines (also .gz) or Parquet.")],
    workspace: WorkspaceDir = Path(),
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="NAME=COLUMN, e.g. ts=InvoiceDate; repeatable.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Zone of times without an offset.")] = None,
    event_type: Annotated[str | None, typer.Option(help="Type of every event of the file.")] = None,
    date_order: Annotated[str | None, typer.Option(help="dmy, mdy or ymd for dates like 3/4/2026.")] = None,
    decimal: Annotated[
        str | None, typer.Option(help="Decimal mark of numbers: , or . ; shown by them if it can be.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a text file that is not UTF-8.")] = None,
    as_: Annotated[str | None, typer.Option("--as", help="events, items, users or series.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be read as what.")] = False,
    lang: Lang = "en",
) -> None:
    """Import files of events, items, users or ready-made series."""
    from foretide.events.sources.files import sniff
    from foretide.workspace import Workspace

    with speaking(lang):
        place = Workspace.open(workspace)
        sources = [
            sniff(
                file,
                corrections=parse_pairs(map_ or []),
                timezone=timezone,
                event_type=event_type,
                date_order=date_order,
                encoding=encoding,
                decimal=decimal,
                kind=as_,
            )
            for file in files
        ]
        for source in sources:
            show_mapping(source)
            if not dry_run:
                show_counts(source.path.name, load(place, source))


def load(place: Workspace, source: FileSource) -> Counts:
    """Import one file, telling how far it is."""
    with progress_of_rows(source.path.name) as advance:
        return place.load(source, advance)


def show_mapping(source: FileSource) -> None:
    """Print which column was taken for what."""
    mapping = source.mapping
    title = say("cli.mapping", file=source.path.name, kind=say(f"mapping.kind.{mapping.kind}"))
    emit(mapping.to_frame(), title=title)
    if source.layout.dialect is not None and source.layout.dialect.repeated:
        typer.echo(say("cli.repeated", columns=", ".join(source.layout.dialect.repeated)))


def show_counts(name: str, counts: Counts) -> None:
    """Print the account of an import."""
    figures = {name: f"{getattr(counts, name):,}" for name in ("read", "stored", "duplicate", "quarantined")}
    typer.echo(say("cli.counts", file=name, **figures))
    for reason, n in counts.reasons.most_common():
        typer.echo(say("cli.reason", n=f"{n:,}", reason=say(f"reason.{reason}")))


@app.command()
def check(
    workspace: WorkspaceDir = Path(),
    engine: EngineName = "local",
    master: Master = None,
    workers: Workers = None,
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """Judge the quality of the data: what is odd, an example, and what foretide does about it."""
    import polars as pl

    with opened(workspace, None, output, lang, engine_of(engine, master, workers)) as place:
        findings = place.check()
        if findings.is_empty():
            inform(say("cli.nothing_odd" if place.store.n_events else "cli.no_events", n=f"{place.store.n_events:,}"))
        words = [
            {"title": say(f"check.{code}.title"), "action": say(f"check.{code}.action")} for code in findings["check"]
        ]
        schema = {"title": pl.String, "action": pl.String}
        emit(pl.concat([findings, pl.DataFrame(words, schema=schema)], how="horizontal"), print_as, output)


@app.command()
def quarantine(
    workspace: WorkspaceDir = Path(),
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """List or export the rows that could not be stored, with their reasons."""
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        emit(Workspace.open(workspace).store.table("quarantine"), print_as, output)
