"""One writer at a time: a lock on a file, given up by the system when its holder dies."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foretide.errors import StorageError

POLL_S = 0.05


@contextmanager
def locked(path: Path, timeout_s: float = 600.0) -> Iterator[None]:
    """Hold the lock inside the block; wait for another writer to finish.

    Raises
    ------
    StorageError
        If the other writer is not done after ``timeout_s``.
    """
    with path.open("a") as file:
        _wait_for(file.fileno(), path, time.monotonic() + timeout_s)
        yield  # closing the file gives the lock up


def _wait_for(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StorageError(
                    f"{path.parent} is being written by another import; wait for it to finish and try again"
                ) from None
            time.sleep(POLL_S)
        else:
            return
