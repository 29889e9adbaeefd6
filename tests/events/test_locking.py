"""One writer at a time; a writer that waits too long is told so."""

import pytest

from foretide.errors import StorageError
from foretide.events.locking import locked


def test_a_second_writer_gives_up_after_its_time(tmp_path):
    with locked(tmp_path / ".lock"), pytest.raises(StorageError, match="wait for it to finish"):  # noqa: SIM117
        with locked(tmp_path / ".lock", timeout_s=0.1):
            pass


def test_the_lock_is_given_up_at_the_end_even_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="mine"), locked(tmp_path / ".lock"):
        raise ValueError("mine")
    with locked(tmp_path / ".lock", timeout_s=0.0):
        pass
