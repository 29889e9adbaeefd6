"""The command that lists the models: of series and of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretide.cli import app
from foretide.cli.options import Format, Lang, OutputFile, PrintAs
from foretide.cli.output import check_output, emit
from foretide.text import say, speaking

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Columns of the list of models; ``of`` series or users.
LISTED = ["model", "of", "good_for", "tried", "option", "learns_from_panel", "extra"]


@app.command()
def models(
    print_as: PrintAs = Format.table,
    output: OutputFile = None,
    lang: Lang = "en",
) -> None:
    """List the models of series and those of users: what each is good for, and whether it is tried by itself."""
    import polars as pl

    check_output(output)
    with speaking(lang):
        listed = pl.DataFrame([*series_models(), *user_models()], LISTED, orient="row")
        if print_as is Format.table and output is None:  # one list would be cut
            for (kind,), rows in listed.group_by("of", maintain_order=True):
                emit(rows.drop("of"), title=say(f"cli.models_of_{kind}"))
        else:
            emit(listed, print_as, output)


def series_models() -> Iterator[tuple[object, ...]]:
    """Return the rows of the models of series."""
    from foretide.forecast.catalogue import MODELS

    for m in MODELS:
        yield m.name, "series", say(f"models.{m.name}"), m.tried, m.option, m.pools, m.extra


def user_models() -> Iterator[tuple[object, ...]]:
    """Return the rows of the models of users, all of which learn from all users."""
    from foretide.tune.comparison import USUAL_MODELS
    from foretide.users.models import USER_MODELS

    for name in USER_MODELS:
        tried = "train users" if name in USUAL_MODELS else ""
        extra = "neural" if name == "lstm" else ""
        yield name, "users", say(f"user_models.{name}"), tried, f"train users --model {name}", True, extra
