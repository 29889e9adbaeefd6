"""Live states in a file: arrays and ids, nothing that could run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from foretide.errors import StorageError
from foretide.features.lifecycle import LifecycleRule
from foretide.features.live import LiveStates

ARRAYS = ("states_", "last_", "desks_", "waiting_", "pool_", "free_", "order_")
IDS = ("users", "categories", "items")
#: Goes up when the same arrays mean something else.
VERSION = 2


def save(live: LiveStates, path: Path | str) -> None:
    """Write the states to a file, which is either the old or the new one at any moment.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    path = Path(path)
    said = {
        "version": VERSION,
        "timezone": live.timezone,
        "window_days": live.rule.window_days,
        "critical_events": live.rule.critical_events,
        "keep_items": live.keep_items,
    }
    ids = {name: _packed(getattr(live, name)) for name in IDS}
    arrays = {name: getattr(live, name) for name in ARRAYS}
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with unfinished.open("wb") as file:
            _write(file, json.dumps(said), arrays | ids)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: the states cannot be written ({error.strerror}); see to it and try again"
        ) from error


def _write(file: IO[bytes], said: str, arrays: dict[str, NDArray[np.void]]) -> None:
    np.savez(file, allow_pickle=False, said=np.frombuffer(said.encode(), np.uint8), **arrays)
    file.flush()
    os.fsync(file.fileno())


def load(path: Path | str) -> LiveStates:
    """Read the states of a file.

    Raises
    ------
    StorageError
        If there is none, it is damaged or of another version; make the states again with ``LiveStates.of``.
    """
    path = Path(path)
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            said = json.loads(file["said"].tobytes())
            if said["version"] != VERSION:
                raise StorageError(f"{path}: states of version {said['version']}, not {VERSION}; make them again")
            rule = LifecycleRule(said["window_days"], said["critical_events"] and tuple(said["critical_events"]))
            live = LiveStates(said["timezone"], rule, said["keep_items"])
            for name in ARRAYS:
                _restore(live, name, file[name], path)
            for name in IDS:
                setattr(live, name, {key: n for n, key in enumerate(json.loads(file[name].tobytes()))})
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "it is no file of states, or damaged"
        raise StorageError(f"{path}: {reason}; make them again from the store") from error
    _check(live, path)
    live.item_ids = list(live.items)
    return live


def _check(live: LiveStates, path: Path) -> None:
    """Refuse sizes that do not fit together: compiled code trusts them."""
    n, desks = len(live.users), live.desks_
    rows = [live.states_.size, desks.size, len(live.waiting_), *([live.last_.size] if live.keep_items else [])]
    fits = min(rows) >= n and len(set(rows)) == 1 and live.order_.size >= len(live.items)
    if not fits or (desks["place"] + desks["room"]).max(initial=0) > live.pool_.size:
        raise StorageError(f"{path}: its parts do not fit together; make them again from the store")


def _restore(live: LiveStates, name: str, array: NDArray[np.void], path: Path) -> None:
    if array.dtype != getattr(live, name).dtype:
        raise StorageError(f"{path}: {name.strip('_')} were written by another version; make the states again")
    setattr(live, name, array)


def _packed(ids: dict[str, int]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(list(ids)).encode(), np.uint8)
