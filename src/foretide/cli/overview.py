"""The overview of all commands in the help, and what is suggested for an option that does not exist."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup

#: Every command, under what it is for.
HEADINGS = {
    "Begin": ("demo", "init", "import", "check", "quarantine", "compact"),
    "What happened": ("history", "mix", "changes", "effects"),
    "What comes": ("forecast", "backtest", "models"),
    "How users come, stay and change": (
        "stages",
        "life",
        "moves",
        "growth",
        "cohorts",
        "stickiness",
        "drift",
        "habits",
        "features",
    ),
    "What users will do": ("outlook", "explain", "worth", "segments", "population", "whatif", "train", "tune"),
    "What to do about it": ("recommend", "report"),
}
WIDEST_NAME = max(len(name) for names in HEADINGS.values() for name in names)
#: Of a command's first sentence, all is shown.
WHOLE_SENTENCE = 1_000
#: How alike the option that was meant must be: ``horizon`` to ``horizont``, but not ``format`` to ``fast``.
ALIKE = 0.7


class Overview(TyperGroup):
    """The commands under headings; whoever mistypes an option is told those that look like it, dashes aside."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as Typer calls it
        """Write each command with its first sentence."""
        for heading, names in HEADINGS.items():
            told = [(name, self.commands[name].get_short_help_str(WHOLE_SENTENCE)) for name in names]
            with formatter.section(heading):
                formatter.write_dl([(f"{name:<{WIDEST_NAME}}", words) for name, words in told])

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            if alike := getattr(error, "possibilities", None):
                error.possibilities = near(error.option_name, alike)  # type: ignore[attr-defined]
            raise


def near(option: str, others: list[str]) -> list[str]:
    """Return the options whose names, without the dashes, look like this one."""
    names = {other.lstrip("-"): other for other in others}
    return [names[name] for name in get_close_matches(option.lstrip("-"), names, cutoff=ALIKE)]
