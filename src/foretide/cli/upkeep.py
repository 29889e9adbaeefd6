"""The command that keeps a store fast: compact."""

from __future__ import annotations

from pathlib import Path

import typer

from foretide.cli import app
from foretide.cli.options import Lang, WorkspaceDir
from foretide.text import say, speaking


@app.command()
def compact(workspace: WorkspaceDir = Path(), lang: Lang = "en") -> None:
    """Sort each bucket into one file, and use more buckets if there are too many events."""
    from foretide.workspace import Workspace

    with speaking(lang):
        done = Workspace.open(workspace).store.compact()
        figures = {"events": done.n_events, "buckets": done.n_buckets, "before": done.files_before, "files": done.files}
        typer.echo(say("evolution.compacted", **{name: f"{n:,}" for name, n in figures.items()}))
