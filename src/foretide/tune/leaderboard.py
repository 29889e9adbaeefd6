"""The leaderboard: every trial that was finished, a line of JSON each, in a file that many may write to.

A trial is kept the moment it is over. A line that was not written to its end is passed over, and so are trials on
other data or under other settings: their losses cannot be compared.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from foretide.errors import StorageError
from foretide.events.disk import storage_errors
from foretide.events.locking import locked
from foretide.features.lifecycle import LifecycleRule
from foretide.tune.exam import Mark, settings_digest
from foretide.tune.folds import cutoff_of_test
from foretide.tune.spaces import Parameters
from foretide.tune.trials import Trial, ranked

FOLDER = "tune"
#: As many processes can tune the same model at a time.
MOST_WRITERS = 64


class Board(NamedTuple):
    """What a file has."""

    trials: Sequence[Trial]  # of one mark, in the order in which they were finished
    n_stale: int  # trials with another mark
    n_torn: int  # lines that cannot be read


def board_file(workspace: Path, model: str, horizon_days: int) -> Path:
    """Return the place of the leaderboard in a workspace."""
    return workspace / FOLDER / f"{model}-{horizon_days}.jsonl"


def read(path: Path, mark: Mark) -> Board:
    """Return the trials with a mark."""
    lines = list(_lines(path))
    whole = [line for line in lines if line is not None]
    trials = [trial for of, trial in whole if of == mark]
    return Board(trials, len(whole) - len(trials), len(lines) - len(whole))


def keep(path: Path, mark: Mark, trial: Trial) -> int | None:
    """Append a trial and wait until it is on the disk.

    Returns
    -------
    int or None
        Its number among those with the mark, from 1; None if somebody else kept the same one before.

    Raises
    ------
    StorageError
        If the disk is full or read-only.
    """
    line = json.dumps({**mark._asdict(), **vars(trial)}, ensure_ascii=False).encode()
    with storage_errors(path.parent), locked(_beside(path, "lock")), path.open("a+b") as file:
        known = [other.parameters for other in read(path, mark).trials]
        if trial.parameters in known:
            return None
        file.write((b"\n" if _torn(path) else b"") + line + b"\n")
        file.flush()
        os.fsync(file.fileno())
        return len(known) + 1


@contextmanager
def writer(path: Path) -> Iterator[int]:
    """Give who writes a number that no other writer of the file has at the time, from 0."""
    with ExitStack() as held:
        with storage_errors(path.parent):
            path.parent.mkdir(exist_ok=True)
            number = next((i for i in range(MOST_WRITERS) if _taken(held, _beside(path, f"writer{i}"))), None)
        if number is None:
            raise StorageError(f"{path} is being written by {MOST_WRITERS} others; wait for one of them to finish")
        yield number


def best(
    workspace: Path, model: str, horizon_days: int, as_of: datetime, rule: LifecycleRule, timezone: str
) -> Parameters:
    """Return the best parameters of the latest tuning that saw nothing at or after the test cut-off of ``as_of``.

    Returns
    -------
    dict
        For ``foretide.users.models.user_model``; empty, the default, if there was no such tuning.
    """
    settings, latest = settings_digest(rule, timezone), cutoff_of_test(as_of, horizon_days, timezone)
    known = [
        (mark, trial)
        for mark, trial in filter(None, _lines(board_file(workspace, model, horizon_days)))
        if mark.settings == settings and datetime.fromisoformat(mark.until) <= latest
    ]
    if not known:
        return {}
    newest = max(reversed(known), key=lambda line: datetime.fromisoformat(line[0].until))[0]
    ordered = ranked([trial for mark, trial in known if mark == newest])
    return ordered[0].parameters


def _lines(path: Path) -> Iterator[tuple[Mark, Trial] | None]:
    """Yield each line of a file, None for one that cannot be read."""
    if not path.is_file():
        return
    with storage_errors(path.parent):
        text = path.read_bytes()
    yield from (_parsed(line) for line in text.splitlines() if line.strip())


def _parsed(line: bytes) -> tuple[Mark, Trial] | None:
    try:
        found = json.loads(line)
        mark = Mark(*(str(found[name]) for name in Mark._fields))
        datetime.fromisoformat(mark.until)
        losses = tuple(float(loss) for loss in found["losses"])
        trial = Trial(dict(found["parameters"]), losses, bool(found["pruned"]), float(found["seconds"]))
    except (ValueError, KeyError, TypeError):
        return None
    return (mark, trial) if losses else None


def _torn(path: Path) -> bool:
    """Tell whether the last line has no end."""
    return not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.stem}.{suffix}")


def _taken(held: ExitStack, path: Path) -> bool:
    """Tell whether a lock could be had; if so it is held."""
    try:
        held.enter_context(locked(path, timeout_s=0))
    except StorageError:
        return False
    return True
