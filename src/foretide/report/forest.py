"""The chart of effects: what each event did, and how sure that is, on a scale of ratios to the usual.

Half as much lies as far to the left of the usual as twice as much lies to the right.
"""

from __future__ import annotations

import altair as alt
import polars as pl

from foretide.report.marks import layered, source, tip
from foretide.report.theme import variable
from foretide.text import say

#: What can be told of an effect, and its colour.
VERDICTS = {"more": "gain", "less": "loss", "unclear": "muted"}
#: Ratios that the axis may name, and the least that it has room for.
RATIOS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50)
LEAST_RATIO = 0.02
#: The axis reaches at least so far, in ratios, and leaves this much room beyond the intervals.
LEAST_REACH = 1.1
ROOM = 1.15
#: Between the two lines of a label: no name is written with it.
BREAK = "\x1f"
ROW = 36


def forest(rows: pl.DataFrame) -> alt.LayerChart:
    """Draw each effect as a point on its interval.

    Parameters
    ----------
    rows
        ``event, when, place, effect, lo, hi, verdict`` and what the pointer tells; without an interval ``lo`` and
        ``hi`` are null. ``place`` is the order from the top.
    """
    drawn = (pl.col(name).clip(LEAST_RATIO, 1 / LEAST_RATIO).alias(f"{name}_at") for name in ("effect", "lo", "hi"))
    shown = rows.with_columns(pl.concat_str("event", "when", separator=BREAK).alias("row"), *drawn)
    across = ratios(shown)
    colours = alt.Scale(domain=list(VERDICTS), range=[variable(colour) for colour in VERDICTS.values()])
    place = {"y": labels(), "color": alt.Color("verdict:N", scale=colours, legend=None), "tooltip": told()}
    usual = source(pl.DataFrame({"usual": [1.0]})).mark_rule(color=variable("muted")).encode(x="usual:Q")
    intervals = source(shown.drop_nulls("lo")).mark_rule(strokeWidth=2)
    points = source(shown).mark_point(filled=True, size=70, opacity=1)
    return layered(
        usual,
        intervals.encode(x="lo_at:Q", x2="hi_at:Q", **place),
        points.encode(x=across, **place),
        height=ROW * shown.height + 10,
    )


def ratios(shown: pl.DataFrame) -> alt.X:
    """Return the axis of ratios, named by the change in percent."""
    ends = shown.select(
        pl.min_horizontal("lo_at", "effect_at").min().alias("low"), pl.max_horizontal("hi_at", "effect_at").max()
    )
    low, high = min(1 / LEAST_REACH, ends.item(0, 0)) / ROOM, max(LEAST_REACH, ends.item(0, 1)) * ROOM
    words = "datum.value === 1 ? format(0, '.0%') : format(datum.value - 1, '+.0%')"
    axis = alt.Axis(values=[ratio for ratio in RATIOS if low <= ratio <= high], labelExpr=words)
    return alt.X("effect_at:Q", title=None, scale=alt.Scale(type="log", domain=[low, high], nice=False), axis=axis)


def labels() -> alt.Y:
    """Return the rows: the event, and under it its day and the size of its effect."""
    axis = alt.Axis(labelExpr=f"split(datum.label, '{BREAK}')", labelLimit=150, labelLineHeight=13)
    return alt.Y("row:N", title=None, axis=axis, sort=alt.EncodingSortField("place", op="min"))


def told() -> list[alt.Tooltip]:
    """Return what the pointer tells of an effect."""
    return [
        alt.Tooltip("event:N", title=say("report.effects.event")),
        alt.Tooltip("days:N", title=say("report.effects.days")),
        tip("observed", say("report.word.seen"), ",.0f"),
        tip("expected", say("report.effects.usual"), ",.0f"),
        tip("lo", say("report.effects.lo"), ".2f"),
        tip("effect", say("report.effects.ratio"), ".2f"),
        tip("hi", say("report.effects.hi"), ".2f"),
        tip("placebos", say("report.effects.placebos"), ","),
        tip("q_value", say("report.effects.q"), ".3f"),
    ]
