"""The lines of a text file, plain or gzip, in bounded memory whatever the file is.

Text is UTF-8 unless it begins with the mark of another encoding or the user names one. A line with bytes that
are not of the encoding, or longer than a line may be, is rejected by itself and the rest is read.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np
import polars as pl
import pyarrow as pa

from foretide.errors import UnreadableFileError
from foretide.events.sources.rows import RAW_CHARS, REJECTED, rejected

BLOCK_BYTES = 16 * 2**20
MAX_LINE_BYTES = 8 * 2**20
GZIP_MAGIC = b"\x1f\x8b"
MARKS = {  # longer marks first: the mark of UTF-16 begins that of UTF-32
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
#: What stands for bytes that no character has: invalid in UTF-8 too, so that the line is rejected later.
UNDECODABLE = "\udcff"


class Lines(NamedTuple):
    """Consecutive lines of a file."""

    good: pl.DataFrame  # line: Int64, raw: String; blank lines too
    rejected: pl.DataFrame


def read_lines(
    path: Path,
    encoding: str | None = None,
    *,
    block_bytes: int = BLOCK_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[Lines]:
    """Read a text file.

    Parameters
    ----------
    path
        The file; gzip is recognised by its content.
    encoding
        Name of the encoding, if it is not UTF-8 and the file does not say so itself.
    block_bytes
        How much is read at a time.
    max_line_bytes
        Longer lines are rejected as ``line_too_long``.

    Raises
    ------
    UnreadableFileError
        If the file cannot be read, or is gzip and damaged.
    """
    first = 1
    for block in whole_lines(utf8(path, encoding, block_bytes), max_line_bytes):
        lines = split(block)
        yield judge(lines, first, max_line_bytes)
        first += lines.len()


def bytes_of(path: Path, numbers: Sequence[int], block_bytes: int, max_line_bytes: int) -> list[bytes]:
    """Return lines of the first block of a file by their numbers, as they are; none if it states its encoding."""
    block = next(whole_lines(read_bytes(path, block_bytes), max_line_bytes), b"")
    if block.startswith(tuple(MARKS)):
        return []
    lines = block.split(b"\n")
    return [lines[number - 1] for number in numbers if number <= len(lines)]


def utf8(path: Path, encoding: str | None, block_bytes: int) -> Iterator[bytes]:
    """Read a file as UTF-8, whatever its encoding."""
    pieces = read_bytes(path, block_bytes)
    head = next(pieces, b"")
    mark = next((mark for mark in MARKS if head.startswith(mark)), b"")
    decoder = decoder_of(path, encoding or MARKS.get(mark, "utf-8"))
    for piece in chain([head[len(mark) :]], pieces):
        yield piece if decoder is None else recode(decoder, piece, final=False)
    if decoder is not None:
        yield recode(decoder, b"", final=True)


def read_bytes(path: Path, block_bytes: int) -> Iterator[bytes]:
    """Read a file piece by piece, unpacked."""
    try:
        with open_plain(path) as stream:
            while piece := stream.read(block_bytes):
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFileError(f"{path.name}: the gzip file is damaged or cut off; get it again whole") from error
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read ({error.strerror}); check its name and rights") from error


def open_plain(path: Path) -> IO[bytes]:
    """Open a file, through gzip if it is packed."""
    with path.open("rb") as stream:
        packed = stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def decoder_of(path: Path, encoding: str) -> codecs.IncrementalDecoder | None:
    """Return what decodes an encoding; None for UTF-8, which is taken as it is."""
    codecs.register_error("foretide.mark", lambda error: (UNDECODABLE, error.end))  # type: ignore[attr-defined]
    try:
        name = codecs.lookup(encoding).name
        return None if name in {"utf-8", "ascii"} else codecs.getincrementaldecoder(name)("foretide.mark")
    except LookupError as error:
        raise UnreadableFileError(
            f"{path.name}: encoding {encoding!r} is unknown; give one such as --encoding gb18030 or latin-1"
        ) from error


def recode(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool) -> bytes:
    """Decode a piece and write it as UTF-8; what cannot be decoded becomes a byte that UTF-8 cannot have."""
    return decoder.decode(piece, final).encode("utf-8", "surrogateescape")


def whole_lines(pieces: Iterator[bytes], max_line_bytes: int) -> Iterator[bytes]:
    """Cut pieces at line ends; of a line that is too long only the beginning is kept in memory."""
    carry = b""
    for piece in pieces:
        end = piece.find(b"\n") if len(carry) > max_line_bytes else 0
        data = carry + (piece[end:] if end >= 0 else b"")
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
        carry = data[cut:][: max_line_bytes + 1]
    if carry:
        yield carry + b"\n"


def split(block: bytes) -> pl.Series:
    """Return the lines of a block as binary, without copying it."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
    offsets = np.concatenate([[0], ends + 1]).astype(np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(block)]
    array = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(ends), buffers)
    return pl.Series("raw", pl.from_arrow(array))


def judge(lines: pl.Series, first: int, max_line_bytes: int) -> Lines:
    """Give the lines numbers, and reject those that are too long or not text."""
    frame = pl.DataFrame({"line": pl.int_range(first, first + lines.len(), eager=True), "bytes": lines})
    text = as_text(lines).str.strip_suffix("\n").str.strip_suffix("\r")
    frame = frame.with_columns(raw=text, long=lines.bin.size() > max_line_bytes)
    bad = frame.filter(pl.col("long") | pl.col("raw").is_null())
    if bad.is_empty():
        return Lines(frame.select("line", "raw"), REJECTED.to_frame())
    good = frame.filter(~pl.col("long") & pl.col("raw").is_not_null()).select("line", "raw")
    parts = [
        rejected(rows["line"], reason, shown(rows["bytes"]))
        for reason, rows in (
            ("line_too_long", bad.filter("long")),
            ("bad_encoding", bad.filter(~pl.col("long"))),
        )
    ]
    return Lines(good, pl.concat(parts))


def as_text(lines: pl.Series) -> pl.Series:
    """Return lines as text, null where they are not UTF-8."""
    try:
        return lines.cast(pl.String)
    except pl.exceptions.ComputeError:  # rare, so that lines may be looked at one by one
        return pl.Series([decoded(line) for line in lines], dtype=pl.String)


def decoded(line: bytes) -> str | None:
    """Return a line as text, None if it is not UTF-8."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def shown(lines: pl.Series) -> pl.Series:
    """Return lines that are not UTF-8 as far as they can be read."""
    heads = lines.bin.slice(0, 4 * RAW_CHARS).to_list()
    return pl.Series([head.decode("utf-8", "replace").rstrip("\r\n") for head in heads], dtype=pl.String)
