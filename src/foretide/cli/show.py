"""Commands that show the whole: report and demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretide.cli import app
from foretide.cli.data import load, show_counts, show_mapping
from foretide.cli.options import AsOf, Horizon, Lang, WorkspaceDir, parse_time
from foretide.cli.output import emit, inform
from foretide.text import say, speaking
