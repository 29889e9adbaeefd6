"""What a command is asked about: a workspace, the moment up to which it is known, the engine that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from foretide.cli.options import parse_time
from foretide.cli.output import check_output, inform
from foretide.cli.waiting import at_work
from foretide.text import say, speaking

if TYPE_CHECKING:
    from datetime import datetime

    from foretide.events.engine import Engine
    from foretide.workspace import Workspace

#: An ``--as-of`` more than this after the last event is mentioned.
STALE_DAYS = 7


@contextmanager
def opened(
    workspace: Path, as_of: str | None, output: Path | None, lang: str, engine: Engine | None = None
) -> Iterator[Workspace]:
    """Open the workspace that is asked about; threads read it if no engine is given."""
    from foretide.workspace import Workspace

    check_output(output)
    with speaking(lang):
        place = Workspace.open(workspace, engine)
        tell_end(place, as_of)
        with at_work():
            yield place


@contextmanager
def asked(
    workspace: Path, as_of: str | None, output: Path | None, lang: str, engine: Engine | None = None
) -> Iterator[tuple[Workspace, datetime]]:
    """Open the workspace that is asked about, as ``opened``, and settle the moment up to which it is known."""
    with opened(workspace, as_of, output, lang, engine) as place:
        yield place, place.moment(parse_time(as_of))


def engine_of(name: str, master: str | None, workers: int | None) -> Engine:
    """Return the engine of the options."""
    from foretide.events.engine import engine_named

    return engine_named(name, master, workers)


def tell_end(place: Workspace, as_of: str | None) -> None:
    """Say that the log ended long before the moment that is asked about."""
    span = None if as_of is None else place.store.span()
    if span is None:
        return
    days = (place.moment(parse_time(as_of)) - span[1]).days
    if days > STALE_DAYS:
        last = span[1].astimezone(ZoneInfo(place.settings.timezone))
        inform(say("cli.log_ended", days=f"{days:,}", as_of=as_of, last=f"{last:%Y-%m-%d}"))
