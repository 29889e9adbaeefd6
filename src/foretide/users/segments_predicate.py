"""Segments by a condition: ``stage == 'at_risk' and p_inactive > 0.5 and value_decayed_28 > 20``.

The language is the part of Python's that compares columns with constants or each other and joins the answers by
``and``, ``or`` and ``not``; nothing else is evaluated. What is not known (a gap of a user with one active day)
makes a comparison unknown, and a user of whom the whole is unknown is not in the segment.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Any

import polars as pl

from foretide.errors import UsageError

MEMBERS = pl.Schema({"user_id": pl.String(), "segment": pl.String()})
#: A longer condition is a mistake.
MOST_CHARACTERS = 2_000
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
NUMBER, TEXT, YES_OR_NO = "a number", "text", "true or false"
ALLOWED = "use comparisons, and, or, not, in, names of columns, numbers and quoted text"


@dataclass(frozen=True)
class Operand:
    """One side of a comparison."""

    said: str
    kind: str
    expr: pl.Expr


@dataclass(frozen=True)
class Condition:
    """A condition in words, and the columns it may speak of."""

    text: str
    columns: Mapping[str, pl.DataType]

    def expr(self) -> pl.Expr:
        """Return the condition as an expression that is true or false for every row.

        Raises
        ------
        UsageError
            If it is not such a condition, or speaks of a column that is not there.
        """
        return self.truth(self.tree()).fill_null(value=False)

    def tree(self) -> ast.expr:
        """Parse the text."""
        if len(self.text) > MOST_CHARACTERS:
            raise UsageError(f"a segment's condition has {len(self.text)} characters; {MOST_CHARACTERS} are enough")
        try:
            return ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self.wrong(f"cannot be read; {ALLOWED}") from error

    def truth(self, node: ast.expr) -> pl.Expr:
        """Return what is true or false of each row, or null where it is not known."""
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return pl.all_horizontal(*map(self.truth, values))
            case ast.BoolOp(values=values):
                return pl.any_horizontal(*map(self.truth, values))
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return ~self.truth(inner)
            case ast.Compare():
                return self.comparison(node)
            case _:
                return self.yes_or_no(node)

    def yes_or_no(self, node: ast.expr) -> pl.Expr:
        """Return a column of booleans, or a constant."""
        operand = self.operand(node)
        if operand.kind != YES_OR_NO:
            raise self.wrong(f"{operand.said} is {operand.kind}, not {YES_OR_NO}; compare it with something")
        return operand.expr

    def comparison(self, node: ast.Compare) -> pl.Expr:
        """Return a comparison; ``0 < a <= 1`` is both of its parts."""
        sides = [node.left, *node.comparators]
        parts = [self.pair(*three) for three in zip(sides, node.ops, sides[1:], strict=False)]
        return pl.all_horizontal(*parts)

    def pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> pl.Expr:
        """Return one comparison of two sides, or of a side with a list."""
        if isinstance(op, ast.In | ast.NotIn):
            found = self.among(left, right)
            return found if isinstance(op, ast.In) else ~found
        if type(op) not in COMPARISONS:
            raise self.wrong(f"has 'is' in it; {ALLOWED}")
        a, b = self.alike(self.operand(left), self.operand(right))
        if isinstance(op, ORDERINGS) and a.kind != NUMBER:
            raise self.wrong(f"asks which is more, {a.said} or {b.said}, and that needs numbers; use == or !=")
        return COMPARISONS[type(op)](a.expr, b.expr)

    def among(self, left: ast.expr, right: ast.expr) -> pl.Expr:
        """Return whether the left side is one of a list."""
        if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
            raise self.wrong("has 'in' without a list after it; write in ('new', 'growing')")
        one = self.operand(left)
        pairs = [self.alike(one, self.operand(each)) for each in right.elts]
        return pl.any_horizontal(*(a.expr == b.expr for a, b in pairs))

    def alike(self, a: Operand, b: Operand) -> tuple[Operand, Operand]:
        """Check that two sides can be compared."""
        if a.kind != b.kind:
            raise self.wrong(f"compares {a.said}, which is {a.kind}, with {b.said}, which is {b.kind}")
        return a, b

    def operand(self, node: ast.expr) -> Operand:
        """Return a column or a constant."""
        match node:
            case ast.Name(id=name):
                return self.column(name)
            case ast.Constant(value=bool() as value):
                return Operand(str(value), YES_OR_NO, pl.lit(value, pl.Boolean))
            case ast.Constant(value=str() as value):
                return Operand(repr(value), TEXT, pl.lit(value, pl.String))
            case ast.Constant(value=int() | float() as value):
                return self.number(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return self.number(-value)
            case _:
                raise self.wrong(f"has {ast.unparse(node)!r} in it; {ALLOWED}")

    def number(self, value: float) -> Operand:
        """Return a number that a column can hold."""
        try:
            figure = float(value)
        except OverflowError:
            figure = float("inf")
        if not isfinite(figure):
            raise self.wrong("has a number in it that is too large")
        return Operand(f"{value:g}", NUMBER, pl.lit(figure, pl.Float64))

    def column(self, name: str) -> Operand:
        """Return a column; NaN is not known."""
        if name not in self.columns:
            near = get_close_matches(name, self.columns, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.columns)}"
            raise self.wrong(f"speaks of {name!r}, which is no column; {hint}")
        dtype = self.columns[name]
        if dtype.is_numeric():
            return Operand(name, NUMBER, pl.col(name).cast(pl.Float64).fill_nan(None))
        if dtype == pl.Boolean:
            return Operand(name, YES_OR_NO, pl.col(name))
        if dtype == pl.String:
            return Operand(name, TEXT, pl.col(name))
        raise self.wrong(f"speaks of {name!r}, which is neither a number, text nor true or false")

    def wrong(self, what: str) -> UsageError:
        """Return the error that the condition does something that cannot be."""
        shown = self.text if len(self.text) <= 80 else f"{self.text[:77]}..."
        return UsageError(f"the condition {shown!r} {what}")


def members(users: pl.DataFrame, conditions: Mapping[str, str]) -> pl.DataFrame:
    """Return who is in which segment, ``MEMBERS``; a user may be in several, or in none.

    Parameters
    ----------
    users
        ``user_id`` and the columns that conditions speak of: an outlook joined with features.
    conditions
        A condition by the name of its segment.

    Raises
    ------
    UsageError
        If a condition is not one, or speaks of a column that is not there.
    """
    found: Sequence[pl.DataFrame] = [
        users.filter(Condition(text, users.schema).expr()).select("user_id", segment=pl.lit(name))
        for name, text in conditions.items()
    ]
    return pl.concat([pl.DataFrame(schema=MEMBERS), *found])
