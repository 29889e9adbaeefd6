"""Everything that can go wrong, as one tree.

::

    ForetideError                   exit code 1
    ├── UsageError                  exit code 2   the call asks for something that cannot be
    │   ├── NotAWorkspaceError                    the folder has no foretide.toml
    │   ├── MappingError                          a column is missing, ambiguous or of the wrong type
    │   └── MissingExtraError                     an optional library is not installed
    ├── DataError                   exit code 3   the data cannot be used as it is
    │   ├── UnreadableFileError                   empty, binary, wrongly encoded, not what its name says
    │   ├── NothingStoredError                    every row was rejected
    │   └── NotEnoughDataError                    too little history for what was asked
    ├── UnknownIdError              exit code 1   no such user, item or series (also a KeyError)
    └── StorageError                exit code 1   disk full, read-only, damaged, locked too long

A message says what is wrong, where, and what to do, in one sentence that can be shown to a user.
"""


class ForetideError(Exception):
    """Root of the tree; its message is one sentence for the user."""

    exit_code = 1


class UsageError(ForetideError):
    """The call asks for something that cannot be."""

    exit_code = 2


class NotAWorkspaceError(UsageError):
    """The folder has no ``foretide.toml``."""


class MappingError(UsageError):
    """A column that is needed is missing, ambiguous or of the wrong type."""


class MissingExtraError(UsageError):
    """An optional library is not installed."""


class DataError(ForetideError):
    """The data cannot be used as it is."""

    exit_code = 3


class UnreadableFileError(DataError):
    """A file is empty, binary, wrongly encoded or not what its name says."""


class NothingStoredError(DataError):
    """Every row of an import was rejected."""


class NotEnoughDataError(DataError):
    """There is too little history for what was asked."""


class UnknownIdError(ForetideError, KeyError):
    """No such user, item or series."""

    __str__ = Exception.__str__  # KeyError would show the repr


class StorageError(ForetideError):
    """The disk is full or read-only, or a table is damaged or locked."""
