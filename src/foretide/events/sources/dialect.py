"""The grammar of a delimited file: its separator, its columns, and what a well-formed row of it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import polars as pl

SEPARATORS = (",", "\t", ";", "|")
PEEK_LINES = 200
#: What stands between the quotes of a quoted field.
QUOTED = r'[^"]*(?:""[^"]*)*'


@dataclass(frozen=True)
class Dialect:
    """How a file separates its fields, and its columns."""

    separator: str
    columns: tuple[str, ...]
    repeated: tuple[str, ...] = ()  # those that are called so because another column has their name

    @property
    def field(self) -> str:
        """Pattern of one field."""
        sep = re.escape(self.separator)
        return rf'(?:"{QUOTED}"|(?:[^"{sep}][^{sep}]*)?)'

    @cached_property
    def record(self) -> str:
        """Pattern of a row with the right number of fields."""
        rest = len(self.columns) - 1
        return self.of_width(f"{{{rest}}}")

    def of_width(self, further: str) -> str:
        """Pattern of a row with one field and as many further ones as a quantifier says."""
        return rf"^{self.field}(?:{re.escape(self.separator)}{self.field}){further}$"

    @property
    def opening(self) -> str:
        """Pattern of a line that ends inside of a quoted field."""
        return rf'^(?:{self.field}{re.escape(self.separator)})*"{QUOTED}$'

    @cached_property
    def closing(self) -> re.Pattern[str]:
        """Pattern of a line that begins inside of a quoted field and ends outside."""
        return re.compile(rf'^{QUOTED}"(?:{re.escape(self.separator)}{self.field})*$')

    @cached_property
    def inside(self) -> re.Pattern[str]:
        """Pattern of a line that begins and ends inside of a quoted field."""
        sep = re.escape(self.separator)
        return re.compile(rf'^{QUOTED}(?:"(?:{sep}{self.field})*{sep}"{QUOTED})?$')


def find_dialect(head: pl.Series) -> Dialect:
    """Return the separator that most lines agree on, and the columns of the first line.

    Parameters
    ----------
    head
        The first lines, without blank ones.
    """
    lines = head.head(PEEK_LINES).to_list()
    separator = max(SEPARATORS, key=lambda sep: agreement(lines, sep))
    names = fields_of(lines[0], separator)
    columns = header(names)
    plain = [name.strip() for name in names]
    repeated = (column for column, name in zip(columns, plain, strict=True) if name and column != name)
    return Dialect(separator, columns, tuple(repeated))


def agreement(lines: list[str], separator: str) -> tuple[float, int]:
    """Return the share of lines with as many fields as the first, and this number; nothing if it is one."""
    widths = [len(fields_of(line, separator)) for line in lines]
    return (widths.count(widths[0]) / len(widths), widths[0]) if widths[0] > 1 else (0.0, 0)


def fields_of(line: str, separator: str) -> list[str]:
    """Take one line apart."""
    sep = re.escape(separator)
    found = re.findall(rf'(?:^|{sep})("{QUOTED}"(?={sep}|$)|[^{sep}]*)', line)
    return [
        field[1:-1].replace('""', '"') if field[:1] == '"' == field[-1:] and len(field) > 1 else field
        for field in found
    ]


def header(names: Iterable[str]) -> tuple[str, ...]:
    """Return column names that differ: a repeated name gets a number, an empty one is called by its place."""
    unique: list[str] = []
    for place, name in enumerate(names, start=1):
        base = name.strip() or f"column_{place}"
        free = (base, *(f"{base}_{n}" for n in range(2, place + 2)))
        unique.append(next(name for name in free if name not in unique))
    return tuple(unique)
