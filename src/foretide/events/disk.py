"""The border to the disk: what it and the storage libraries complain of, said in one sentence."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path

from deltalake.exceptions import DeltaError
from polars.exceptions import ComputeError

from foretide.errors import StorageError

WHAT_TO_DO = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "the disk quota is used up; free some space and try again",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "permission is denied; choose another folder or change its rights",
    errno.EPERM: "permission is denied; choose another folder or change its rights",
    errno.ENOENT: "no such file; restore the folder or start a new workspace",
}


#: How the libraries end their text on an error of the system: its number and, often, the file.
SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)(?:: (.+))?")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the folder ``path`` inside the block into a ``StorageError``."""
    try:
        yield
    except OSError as error:
        raise _told(path, error, error.errno, error.filename) from error
    except (DeltaError, ComputeError, JSONDecodeError) as error:
        raise _told(path, error) from error


def _told(path: Path, error: Exception, code: int | None = None, file: str | None = None) -> StorageError:
    text = str(error).partition("\n")[0]
    hidden = SYSTEM_ERROR.search(text)
    if hidden:
        code, file = int(hidden[1]), hidden[2]
    if code is None:
        return StorageError(f"{path}: the table cannot be used ({text}); restore the folder or start a new workspace")
    return StorageError(f"{file or path}: {WHAT_TO_DO.get(code, f'{os.strerror(code)}; see to it and try again')}")
