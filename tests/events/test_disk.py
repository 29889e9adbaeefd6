"""What the disk and the libraries complain of becomes one sentence: where, what, what to do."""

import errno
import os
import resource
import signal
from pathlib import Path

import polars as pl
import pytest

from foretide.errors import StorageError
from foretide.events.disk import WHAT_TO_DO, storage_errors

PLACE = Path("/shop/store")


@pytest.mark.parametrize("code", sorted(WHAT_TO_DO))
def test_what_to_do_is_told_of_both_kinds_of_system_error(code):
    by_python = OSError(code, os.strerror(code))
    by_library = pl.exceptions.ComputeError(f"parquet: underlying IO error: {os.strerror(code)} (os error {code})")
    for error in (by_python, by_library):
        with pytest.raises(StorageError) as told, storage_errors(PLACE):
            raise error
        assert str(told.value) == f"{PLACE}: {WHAT_TO_DO[code]}"


def test_the_file_is_named_where_it_is_known(tmp_path):
    for read in (lambda file: pl.scan_parquet(file).collect(), Path.read_bytes):
        with pytest.raises(StorageError, match="^" + str(tmp_path / "gone") + ": no such file"), storage_errors(PLACE):
            read(tmp_path / "gone")


def test_other_errors_pass():
    with pytest.raises(ValueError, match="mine"), storage_errors(PLACE):
        raise ValueError("mine")


def test_a_write_that_the_system_cuts_short(tmp_path):
    """A limit on the size of files stands for a full disk: the library's own error comes up."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StorageError, match=os.strerror(errno.EFBIG)), storage_errors(PLACE):
            pl.DataFrame({"n": range(100_000)}).write_parquet(tmp_path / "big.parquet", compression="uncompressed")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
