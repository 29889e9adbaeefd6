"""A sign of life on the terminal while a command works, until it has something to say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from foretide.text import say

if TYPE_CHECKING:
    from rich.progress import Progress

_sign: ContextVar[Progress | None] = ContextVar("sign", default=None)


@contextmanager
def at_work() -> Iterator[None]:
    """Show on standard error that a command is at work, and for how long; nothing where no person looks on."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True, force_terminal=True), transient=True) as sign:
        sign.add_task(say("cli.at_work"))
        token = _sign.set(sign)
        try:
            yield
        finally:
            _sign.reset(token)


def hush() -> None:
    """Take the sign away, as what is said now would be written into it."""
    if (sign := _sign.get()) is not None:
        sign.stop()
