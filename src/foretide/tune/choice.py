"""Which model tells what users will do: the best of a comparison, kept in a file.

Kept is the name and the settings, not what was learnt: a model learns anew from what is known at each moment that is
asked about. A choice is kept with its test cut-off and tells no outlook with an earlier one, because what that is
tested on was looked at for the choice.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from foretide.errors import DataError
from foretide.events.disk import storage_errors
from foretide.events.locking import locked
from foretide.tune.comparison import Comparison, of_models
from foretide.users.models import Chosen


def choice_file(workspace: Path, horizon_days: int) -> Path:
    """Return where the choices for a horizon are kept."""
    return workspace / "models" / f"users-{horizon_days}.json"


def keep(workspace: Path, horizon_days: int, comparison: Comparison) -> Chosen:
    """Keep the best model of a comparison, of at least one, beside the choices with other test cut-offs.

    Raises
    ------
    StorageError
        If the disk is full or read-only.
    """
    best = of_models(comparison.table).row(0, named=True)
    model = Chosen(best["model"], json.loads(best["settings"]))
    file = choice_file(workspace, horizon_days)
    with storage_errors(file.parent):
        file.parent.mkdir(exist_ok=True)
        with locked(file.with_name(f".{file.stem}.lock")):
            write(file, whole(file) | {comparison.until: model})
    return model


def chosen(workspace: Path, horizon_days: int, until: datetime) -> Chosen:
    """Return the model that was kept for a horizon without a look at anything from ``until`` on; the default if none.

    Parameters
    ----------
    workspace, horizon_days
        Folder of the workspace, and the horizon.
    until
        The test cut-off of the outlook that is to be told.

    Raises
    ------
    DataError
        If the file is broken.
    """
    earlier = {moment: model for moment, model in read(choice_file(workspace, horizon_days)).items() if moment <= until}
    return earlier[max(earlier)] if earlier else Chosen()


def read(file: Path) -> dict[datetime, Chosen]:
    """Return the choices by their test cut-offs; none if there is no file.

    Raises
    ------
    DataError
        If the file is broken.
    """
    if not file.exists():
        return {}
    try:
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return {
            datetime.fromisoformat(until): Chosen(str(of["model"]), dict(of["settings"])) for until, of in kept.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{file} is broken; delete it, or run foretide train users again") from error


def whole(file: Path) -> dict[datetime, Chosen]:
    """Return the choices of a file; none if it is broken, as a new one mends it."""
    try:
        return read(file)
    except DataError:
        return {}


def write(file: Path, choices: dict[datetime, Chosen]) -> None:
    """Write choices so that a reader finds the old file or the new one."""
    told = {until.isoformat(): {"model": of.name, "settings": of.settings} for until, of in choices.items()}
    new = file.with_suffix(".new")
    new.write_text(json.dumps(told), encoding="utf-8")
    new.replace(file)
