"""How fast live states take events in, how large they are, and how fast they answer.

    python benchmarks/live_speed.py [--events 10000000] [--folder DIR]

The store of ``fold_speed.py``. Events arrive in the order of time: as JSON of 1,000 that is written to a log before
(with an fsync), one at a time, and in batches of 1,000, on one core (CPU time counts). The size is that of the
arrays, and of the ids beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import polars as pl

from fold_speed import END
from foretide.events.store import EventStore
from foretide.features.live import LiveStates
from foretide.features.live_events import READ
from foretide.features.live_file import load, save
from foretide.schema import TS
from synthetic import store_of

ARRIVING = 300_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "foretide-benchmark")
    asked = parser.parse_args()
    asked.folder.mkdir(exist_ok=True)
    store = store_of(asked.folder, asked.events)
    live = LiveStates()
    for keep_items in (False, True):
        began = time.process_time()
        live = LiveStates.of(store, keep_items=keep_items)
        seconds, users = time.process_time() - began, len(live.users)
        ids = sum(map(sys.getsizeof, (live.users, *live.users, live.items, *live.items, live.item_ids)))
        size = f"{live.nbytes / 2**20:,.0f} MiB, {live.nbytes / users:,.0f} bytes a user, ids {ids / 2**20:,.0f} MiB"
        print(f"rebuilt, items {keep_items}: {store.n_events / seconds:,.0f} events/CPU-s; {users:,} users in {size}")
    arrive(live, store)
    began = time.process_time()
    live.table(END + timedelta(days=2 * 366))
    print(f"all features of {len(live.users):,} users: {time.process_time() - began:.2f} CPU-s")
    save_and_load(live, asked.folder / "live")


def arrive(live: LiveStates, store: EventStore) -> None:
    """Let the first events of each bucket come again, later."""
    n = ARRIVING // len(store.ids)
    later = pl.concat([store.bucket(i, READ)[:n] for i in store.ids]).with_columns(pl.col("ts") + pl.duration(days=366))
    later = later.sort("ts")
    middle = later.height // 2
    serve(live, later[middle:])
    later = later.with_columns(pl.col("ts") + pl.duration(days=366))
    rows = list(later[:middle].with_columns(pl.col("ts").cast(pl.Int64)).iter_rows())
    began = time.process_time()
    for user, ts, event_type, value, offset, category, item in rows:
        live.take(user, ts, event_type, value, offset, category, item)
    print(f"one at a time: {middle / (time.process_time() - began):,.0f} events/CPU-s")
    began = time.process_time()
    for batch in later[middle:].iter_slices(1_000):
        live.update(batch)
    print(f"in batches of 1,000: {(later.height - middle) / (time.process_time() - began):,.0f} events/CPU-s")


def serve(live: LiveStates, events: pl.DataFrame) -> None:
    """Take events in as a service would: thousands in JSON, each in a log on disk before it counts."""
    rows = events.with_columns(pl.col("ts").cast(pl.Int64)).select(READ)
    bodies = [json.dumps(part.to_dicts()).encode() for part in rows.iter_slices(1_000)]
    schema = rows.schema | {"ts": TS}
    began = time.process_time()
    with tempfile.TemporaryFile() as log:
        for body in bodies:
            log.write(body)
            log.flush()
            os.fsync(log.fileno())
            live.update(pl.DataFrame(json.loads(body), schema=schema))
    print(f"JSON of 1,000 through a log: {events.height / (time.process_time() - began):,.0f} events/CPU-s")


def save_and_load(live: LiveStates, path: Path) -> None:
    began = time.perf_counter()
    save(live, path)
    saved = time.perf_counter()
    load(path)
    seconds, size = time.perf_counter() - saved, path.stat().st_size / 2**20
    print(f"saved in {saved - began:.1f} s ({size:,.0f} MiB), loaded in {seconds:.1f} s")
    path.unlink()


if __name__ == "__main__":
    main()
