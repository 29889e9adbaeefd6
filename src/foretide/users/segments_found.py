"""Segments that are found: users alike in stage, interests and habits, and named by what sets them apart.

k-means over three blocks of figures that weigh the same: the stage, the shares of the largest categories, and
when and how often a user comes. The number of segments is the one with the largest silhouette on a sample. A name
says the commonest stage, the category that is liked more than elsewhere, and the habits that differ by more than
``CLEAR_DIFFERENCE`` standard deviations; it is in the language of the moment.

References
----------
Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and validation of cluster analysis.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.schema import STAGES, Floats
from foretide.text import say
from foretide.users.interests import OTHER
from foretide.users.segments_predicate import MEMBERS

#: Numbers of segments that are tried; with fewer users than the second figure there is one.
NUMBERS, LEAST_USERS = range(2, 9), 50
#: Users that segments are found on, and that the silhouette is measured on.
FITTING_USERS, SILHOUETTE_USERS = 20_000, 2_000
RESTARTS = 5
#: Largest categories that are looked at.
CATEGORIES = 8
#: What is told in a name: differences of so many standard deviations, and of so much of a share.
CLEAR_DIFFERENCE, CLEAR_SHARE = 0.5, 0.05
MOST_HABITS = 2

#: Habits by their word in ``segments.habit``, from the features of all three themes.
HABITS = {
    "active": pl.col("active_days_28").log1p(),
    "weekend": pl.col("weekend_share"),
    "night": pl.col("night_share"),
    "hours": pl.col("hours_hill_1").log(),
    "irregular": pl.col("gap_entropy_bits"),
    "categories": pl.col("categories_hill_1").log(),
}

Codes = NDArray[np.int64]


def found_segments(users: pl.DataFrame, interests: pl.DataFrame, rng: int | np.random.Generator = 0) -> pl.DataFrame:
    """Return which segment each user is in, ``MEMBERS``, in the order of ``users``; each in one.

    Parameters
    ----------
    users
        Feature table at one moment with the themes activity, habits and interests.
    interests
        ``foretide.users.interests.INTERESTS``.
    rng
        Seed or generator.
    """
    generator = np.random.default_rng(rng)
    table = users.select("user_id", "stage", *(habit.alias(name) for name, habit in HABITS.items()))
    shares = liked(table, interests)
    stages = np.stack([(table["stage"] == stage).to_numpy() for stage in STAGES], axis=1).astype(np.float64)
    habits = standardised(table.select(HABITS.keys()).to_numpy())
    x = np.concatenate([evened(block) for block in (stages, shares.to_numpy(), habits)], axis=1)
    codes = clusters(x, generator) if table.height >= LEAST_USERS else np.zeros(table.height, np.int64)
    names = unlike(list(named(codes, stages, shares, habits)))
    found = pl.Series([names[code] for code in codes], dtype=MEMBERS["segment"])
    return table.select("user_id", segment=found)


def liked(users: pl.DataFrame, interests: pl.DataFrame) -> pl.DataFrame:
    """Return users' present shares in the largest categories, a column each; 0 where it is not told."""
    known = interests.filter(pl.col("category") != OTHER)
    sizes = known.group_by("category").agg(pl.col("share_now").sum())
    largest = sizes.sort("share_now", "category", descending=[True, False]).head(CATEGORIES)["category"].to_list()
    columns = [pl.col("share_now").filter(pl.col("category") == category).sum().alias(category) for category in largest]
    wide = known.group_by("user_id").agg(columns)
    return (
        users.select("user_id")
        .join(wide, on="user_id", how="left", maintain_order="left")
        .drop("user_id")
        .fill_null(0.0)
    )


def standardised(figures: Floats) -> Floats:
    """Return figures with mean 0 and standard deviation 1; the mean where one is not defined, 0 if constant."""
    known = np.where(np.isfinite(figures), figures, np.nan)
    n = np.maximum(np.isfinite(known).sum(axis=0), 1)
    mean = np.nansum(known, axis=0) / n
    spread = np.sqrt(np.nansum((known - mean) ** 2, axis=0) / n)
    return np.nan_to_num((known - mean) / np.where(spread > 0, spread, 1.0))


def evened(block: Floats) -> Floats:
    """Return a block whose figures together have a variance of 1, or none."""
    total = np.sqrt(block.var(axis=0).sum()) if block.size else 0.0
    return block / total if total > 0 else block


def clusters(x: Floats, rng: np.random.Generator) -> Codes:
    """Return the segment of each row of ``x``, numbered by size, ``(n_users,)``."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    rows = some(len(x), FITTING_USERS, rng)
    judged = some(len(rows), SILHOUETTE_USERS, rng)
    best, codes = -1.0, np.zeros(len(x), np.int64)
    for number in NUMBERS:
        if number > len(np.unique(x[rows], axis=0)):
            break
        model = KMeans(number, n_init=RESTARTS, random_state=int(rng.integers(2**31))).fit(x[rows])
        of_judged = model.labels_[judged]
        score = silhouette_score(x[rows][judged], of_judged) if 1 < len(np.unique(of_judged)) < len(judged) else -1.0
        if score > best:
            best, codes = score, model.predict(x).astype(np.int64)
    return by_size(codes)


def some(n: int, most: int, rng: np.random.Generator) -> Codes:
    """Return at most ``most`` of ``n`` rows, in their order."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def by_size(codes: Codes) -> Codes:
    """Return codes from 0 on, the largest segment first."""
    _, dense, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    place = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    return place[dense]


def named(codes: Codes, stages: Floats, shares: pl.DataFrame, habits: Floats) -> Iterator[str]:
    """Yield a name for each segment."""
    if not codes.any():
        yield say("segments.all")
        return
    for code in range(int(codes.max()) + 1):
        here = codes == code
        words = [*stage_words(stages[here]), *interest_words(shares, here), *habit_words(habits[here])]
        yield say("segments.and").join(words)


def stage_words(stages: Floats) -> Iterator[str]:
    """Yield the commonest stage of a segment."""
    yield say("segments.stage", stage=say(f"stage.{STAGES[int(stages.mean(axis=0).argmax())]}"))


def interest_words(shares: pl.DataFrame, here: NDArray[np.bool_]) -> Iterator[str]:
    """Yield the category whose share is highest above that of all users, if it clearly is."""
    if shares.width:
        figures = shares.to_numpy()
        above = figures[here].mean(axis=0) - figures.mean(axis=0)
        if above.max() >= CLEAR_SHARE:
            yield say("segments.likes", category=shares.columns[int(above.argmax())])


def habit_words(habits: Floats) -> Iterator[str]:
    """Yield the habits that differ most from those of all users, if they clearly do."""
    differs = habits.mean(axis=0)
    for place in np.argsort(-np.abs(differs), kind="stable")[:MOST_HABITS]:
        if abs(differs[place]) >= CLEAR_DIFFERENCE:
            more = "more" if differs[place] > 0 else "less"
            yield say(f"segments.habit.{more}_{list(HABITS)[int(place)]}")


def unlike(names: list[str]) -> list[str]:
    """Return names of which no two are the same: a number is added to the later ones."""
    told: list[str] = []
    for name in names:
        n, new = 1, name
        while new in told:
            n += 1
            new = say("segments.numbered", name=name, n=n)
        told.append(new)
    return told
