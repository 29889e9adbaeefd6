"""The command line: parse, call the workspace, print.

``main`` is the only place where an error becomes a sentence and an exit code.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

from foretide.cli.overview import Overview
from foretide.errors import ForetideError

app = typer.Typer(
    name="foretide",
    cls=Overview,
    help="Where are your users heading, and what should they be shown on the way?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def show_version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        from foretide import __version__

        typer.echo(f"foretide {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Where are your users heading, and what should they be shown on the way?"""  # noqa: D400 - shown as help


FULL_OR_FORBIDDEN = {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the command again",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "permission is denied; choose another folder or change its rights",
    errno.EPERM: "permission is denied; choose another folder or change its rights",
}


def main() -> None:
    """Run the command line and exit with its code: 0 done, 1 failed, 2 usage, 3 data rejected."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        run(arguments)
    except Exception as error:  # the border: no traceback reaches a user
        if debug:
            raise
        sys.exit(report_error(error))


def run(arguments: list[str]) -> None:
    """Run one command; errors of foretide come out as they are."""
    from foretide.cli import commands  # noqa: F401 - the commands register themselves

    app(args=arguments, prog_name="foretide")


def report_error(error: Exception) -> int:
    """Say on standard error what went wrong, in one sentence; return the exit code."""
    if isinstance(error, ForetideError):
        sys.stderr.write(f"foretide: {error}\n")
        return error.exit_code
    if isinstance(error, BrokenPipeError):  # the reader of a pipe left: `foretide ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        reason = FULL_OR_FORBIDDEN.get(error.errno or 0, str(error.strerror or error))
        sys.stderr.write(f"foretide: {place}{reason}\n")
        return 1
    sys.stderr.write(f"foretide: unexpected {type(error).__name__}: {error}; add --debug for the details\n")
    return 1
