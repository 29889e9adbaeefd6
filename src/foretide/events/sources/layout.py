"""How a file holds its rows, found out from its content; its name only helps to say what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from foretide.errors import UnreadableFileError
from foretide.events.sources.dialect import Dialect, find_dialect
from foretide.events.sources.encodings import likely_encoding
from foretide.events.sources.lines import MAX_LINE_BYTES, Lines, bytes_of, read_lines
from foretide.events.sources.parquet import MAGIC

HEAD_BYTES = 2**20
PEEK_CHARS = 2**16
#: Share of control characters from which something is not text.
BINARY_SHARE = 0.02
#: A line in a message is cut to this.
SHOWN_CHARS = 60


@dataclass(frozen=True)
class Layout:
    """How a file holds its rows.

    Parameters
    ----------
    form
        ``parquet``, ``json_lines`` or ``delimited``.
    encoding
        Of a text file; None for UTF-8 or what its first bytes say.
    dialect
        Separator and columns of a delimited file.
    max_line_bytes
        Longer lines are rejected.
    """

    form: str
    encoding: str | None = None
    dialect: Dialect | None = None
    max_line_bytes: int = MAX_LINE_BYTES


def layout_of(path: Path, encoding: str | None, max_line_bytes: int) -> Layout:
    """Find out how a file holds its rows."""
    if starts_with(path, MAGIC):
        return Layout("parquet")
    if path.suffix == ".parquet":
        raise UnreadableFileError(f"{path.name} is not a Parquet file, or its beginning is lost; get it again whole")
    head = next(read_lines(path, encoding, block_bytes=HEAD_BYTES, max_line_bytes=max_line_bytes), None)
    lines = text_lines(path, head, encoding)
    if encoding is None:
        check_encoding(path, head, max_line_bytes)
    if lines[0].lstrip().startswith("{"):
        return Layout("json_lines", encoding, None, max_line_bytes)
    if lines[0].lstrip().startswith("["):
        raise UnreadableFileError(
            f"{path.name} is one JSON array; write one object a line instead, as jq -c '.[]' does"
        )
    return Layout("delimited", encoding, find_dialect(lines), max_line_bytes)


def starts_with(path: Path, magic: bytes) -> bool:
    """Tell whether a file begins with these bytes."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(magic)) == magic
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read ({error.strerror}); check its rights") from error


def text_lines(path: Path, head: Lines | None, encoding: str | None) -> pl.Series:
    """Return the first lines of a file that are not blank.

    Raises
    ------
    UnreadableFileError
        If they are not text, or not of the encoding.
    """
    shown = (
        "" if head is None else "\n".join([*head.good["raw"].head(100), *head.rejected["raw"].head(100)])[:PEEK_CHARS]
    )
    if not shown.strip():
        raise UnreadableFileError(f"{path.name} is empty; nothing can be imported from it")
    strange = sum(char < " " and char not in "\t\n\r\f" for char in shown)
    if "\0" in shown or strange > BINARY_SHARE * len(shown):
        raise UnreadableFileError(
            f"{path.name} is not text but binary; give CSV, TSV, JSON Lines or Parquet (--encoding if UTF-16)"
        )
    assert head is not None
    lines = head.good["raw"].filter(head.good["raw"].str.strip_chars() != "")
    check_first_line(path, head, lines, encoding)
    return lines


def check_first_line(path: Path, head: Lines, lines: pl.Series, encoding: str | None) -> None:
    """Raise an UnreadableFileError if the line with the column names cannot be read."""
    bad = head.rejected.filter(pl.lit(lines.is_empty()) | (pl.col("line") == 1))
    if bad.is_empty():
        return
    if bad["reason"][0] == "line_too_long":
        raise UnreadableFileError(f"{path.name}: line 1 is longer than a line may be; is it a table with line ends?")
    likely = None if encoding else likely_encoding(bytes_of(path, bad["line"].to_list(), HEAD_BYTES, MAX_LINE_BYTES))
    raise UnreadableFileError(
        f"{path.name} is not {encoding or 'UTF-8'} text; give its encoding, such as --encoding "
        + (likely or "gb18030 or cp1252")
    )


def check_encoding(path: Path, head: Lines | None, max_line_bytes: int) -> None:
    """Raise an UnreadableFileError if the beginning of a file is in another encoding than UTF-8.

    It is if some lines are not UTF-8, none has a letter of UTF-8 beyond ASCII, and they can be read otherwise.
    Single damaged lines of a file in UTF-8 are no reason: they are rejected by themselves.
    """
    if head is None or head.rejected.filter(pl.col("reason") == "bad_encoding").is_empty():
        return
    raws = head.good["raw"]
    if (raws.str.len_bytes() != raws.str.len_chars()).any():
        return
    bad = head.rejected.filter(pl.col("reason") == "bad_encoding")["line"].to_list()
    found = bytes_of(path, bad, HEAD_BYTES, max_line_bytes)
    likely = likely_encoding(found)
    if likely is not None:
        shown = found[0].decode(likely, "replace").strip()[:SHOWN_CHARS]
        raise UnreadableFileError(
            f"{path.name} is not UTF-8 text (line {bad[0]} is {shown!r} in {likely}); give its encoding, such as "
            f"--encoding {likely}"
        )


def check_file(path: Path) -> None:
    """Raise an UnreadableFileError if there is no file with something in it."""
    if path.is_dir():
        raise UnreadableFileError(f"{path} is a folder; name the files in it")
    if not path.exists():
        raise UnreadableFileError(f"{path}: there is no such file; check its name")
    if path.is_file() and path.stat().st_size == 0:
        raise UnreadableFileError(f"{path.name} is empty; nothing can be imported from it")
