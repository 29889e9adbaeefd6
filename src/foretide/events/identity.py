"""Who an event is and where it lives: ids from content, buckets from users.

Both are part of what is on disk, so they may never change: MD5 of a canonical text that is spelled out here,
and CRC-32 of the user.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import polars as pl


def bucket_of(user_id: str, n_buckets: int) -> int:
    """Return the bucket of a user."""
    return crc32(user_id.encode()) % n_buckets


def buckets_of(user_ids: pl.Series, n_buckets: int) -> pl.Series:
    """Return the bucket of each user of a column, Int32."""
    users = user_ids.unique()
    numbers = pl.Series([bucket_of(user, n_buckets) for user in users], dtype=pl.Int32)
    return user_ids.replace_strict(users, numbers, return_dtype=pl.Int32)


def content_hash(rows: pl.DataFrame) -> pl.Series:
    """Return a hash of what each event says, all but its ``event_id``: 32 hexadecimal digits.

    The canonical text of a row is ``name:length:value`` for each column that is not null, by name; so an
    absent column and a null are the same, and no value can imitate a separator. Times count as microseconds,
    numbers as the bits of their double.
    """
    names = sorted(set(rows.columns) - {"event_id"})
    names = [name for name in names if rows[name].null_count() < rows.height] or names
    columns = rows.select(_as_text(rows[name]).alias(name) for name in names)
    text = columns.select(row=pl.concat_str([_told(name) for name in names], ignore_nulls=True))
    import duckdb

    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("texts", text)
        # a single ordered projection keeps the order of the rows
        return connection.sql("SELECT md5(row) AS hash FROM texts").pl()["hash"]


def _told(name: str) -> pl.Expr:
    return pl.concat_str(pl.lit(f"{name}:"), pl.col(name).str.len_bytes(), pl.lit(":"), pl.col(name))


def _as_text(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Float64:
        bits = (column.fill_null(0.0).to_numpy() + 0.0).view(np.int64)  # + 0.0 makes -0.0 the same as 0.0
        return pl.select(pl.when(column.is_not_null()).then(pl.Series(bits))).to_series().cast(pl.String)
    if isinstance(column.dtype, pl.Datetime):
        return column.cast(pl.Int64).cast(pl.String)
    return column.cast(pl.String)


def number_repeats(hashes: pl.Series) -> pl.Series:
    """Return ids for rows without one: the hash, with ``-n`` for the n-th repeat of the same row."""
    places = hashes.is_duplicated().arg_true()
    if places.is_empty():
        return hashes
    same = pl.DataFrame({"place": places, "hash": hashes.gather(places)}).sort("hash", "place")
    lengths = same["hash"].rle().struct.field("len").to_numpy().astype(np.int64)
    begins = np.cumsum(lengths) - lengths
    nth = pl.Series("nth", np.arange(same.height) - np.repeat(begins, lengths))
    later = same.with_columns(nth).filter(pl.col("nth") > 0)
    ids = later["hash"] + "-" + later["nth"].cast(pl.String)
    return hashes.rechunk().scatter(later["place"], ids)
