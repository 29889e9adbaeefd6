"""From a file that was looked at into the store of a workspace."""

from __future__ import annotations

from collections.abc import Callable

from foretide.errors import NothingStoredError
from foretide.events.records import Counts, watched
from foretide.events.sources.files import FileSource
from foretide.events.store import EventStore
from foretide.text import say, speaking


def load(store: EventStore, source: FileSource, progress: Callable[[int], object] | None = None) -> Counts:
    """Import what ``sniff`` found in a file; ``progress`` is told the number of rows of each piece that was read.

    Raises
    ------
    NothingStoredError
        If every row was rejected; the rows are in the quarantine with their reasons.
    """
    name = source.path.name
    if source.mapping.kind != "events":
        return store.put(source.mapping.kind, *source.table(), source=name)
    counts = store.ingest(watched(source.chunks(), progress), name)
    if counts.quarantined == counts.read:
        with speaking("en"):  # as all errors
            reasons = "; ".join(f"{n:,}: {say(f'reason.{reason}')}" for reason, n in counts.reasons.most_common(3))
        raise NothingStoredError(
            f"{name}: none of the {counts.read:,} rows could be stored ({reasons}); "
            f"see them with: foretide quarantine --workspace {store.path.parent}"
        )
    return counts
