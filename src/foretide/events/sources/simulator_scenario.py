"""What a simulated world is like: its size, its seasons, and the changes that are planted in it.

Days of planted changes may be counted from the end of the log, so that a shorter log still has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from foretide.errors import UsageError
from foretide.events.sources.simulator_domains import DOMAINS

#: Fields of a scenario that are shares or chances.
SHARES = (
    "newcomer_share", "weekly_strength", "yearly_strength", "dropout_per_day", "return_per_day",
    "rating_share", "survey_share", "feedback_share", "loyalty",
)  # fmt: skip


@dataclass(frozen=True)
class SocialEvent:
    """Some days on which everyone turns to one category.

    Parameters
    ----------
    day
        Its first day, counted from the first day of the log, or, if negative, from its end.
    duration_days
        How long it lasts.
    size
        Factor on every user's events of the category.
    category
        Place of the category in the order of popularity, from 0.
    """

    day: int = -70
    duration_days: int = 7
    size: float = 3.0
    category: int = 2


@dataclass(frozen=True)
class Drift:
    """Some users' interest moves from one category to another on one day.

    Parameters
    ----------
    share
        Share of the users in whom it is planted; half of their interest is in ``from_category`` before.
    day
        First day of the new interests, counted as in ``SocialEvent``.
    from_category, to_category
        Places in the order of popularity, from 0.
    moved
        Part of the interest in ``from_category`` that moves, at most 1.
    """

    share: float = 0.2
    day: int = -56
    from_category: int = 0
    to_category: int = 3
    moved: float = 0.8


@dataclass(frozen=True)
class HabitChange:
    """Some users' hours move.

    Parameters
    ----------
    share
        Share of the users in whom it is planted.
    day
        First day of the new hours, counted as in ``SocialEvent``.
    hours
        By how much they become active later in the day.
    """

    share: float = 0.15
    day: int = -63
    hours: float = 8.0


@dataclass(frozen=True)
class Scenario:
    """A world to simulate.

    Parameters
    ----------
    domain
        One of ``DOMAINS``.
    n_users, n_items, n_categories
        Sizes; a user who never comes is possible.
    n_days, start
        Length of the log and its first day. A day is a day in UTC.
    newcomer_share
        Share of the users who arrive after the first day, at an even rate; the others are there.
    weekly_strength, yearly_strength
        Half the range from the quietest to the busiest day of the week, and of the year, over the mean.
    trend_per_year
        Relative growth of everyone's activity in a year.
    dropout_per_day, return_per_day
        Chance that a user who is there stops, and that one who stopped comes back.
    rating_share, survey_share, feedback_share
        Shares of the events that are answers of the three kinds.
    loyalty
        Share of the events that go to one of the user's few favourite items of the category.
    social_event, drift, habit_change
        What is planted; None for nothing.
    seed
        Of the random numbers: the same scenario is the same log.

    Raises
    ------
    UsageError
        If a number is out of range.
    """

    domain: str = "ecommerce"
    n_users: int = 2000
    n_items: int = 400
    n_categories: int = 8
    n_days: int = 365
    start: date = date(2025, 1, 1)
    newcomer_share: float = 0.5
    weekly_strength: float = 0.3
    yearly_strength: float = 0.15
    trend_per_year: float = 0.2
    dropout_per_day: float = 0.006
    return_per_day: float = 0.004
    rating_share: float = 0.03
    survey_share: float = 0.01
    feedback_share: float = 0.03
    loyalty: float = 0.3
    social_event: SocialEvent | None = SocialEvent()
    drift: Drift | None = Drift()
    habit_change: HabitChange | None = HabitChange()
    seed: int = 7

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise UsageError(f"domain {self.domain!r} is not one of {', '.join(DOMAINS)}")
        if min(self.n_users, self.n_days) < 1 or not 1 <= self.n_categories <= self.n_items:
            raise UsageError("a simulation needs at least one user, one day and one item in each category")
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        if self.answer_share > 1:
            raise UsageError("rating_share, survey_share and feedback_share add up to more than 1")
        self._check_categories()

    def _check_categories(self) -> None:
        named = [] if self.social_event is None else [self.social_event.category]
        named += [] if self.drift is None else [self.drift.from_category, self.drift.to_category]
        if any(not 0 <= category < self.n_categories for category in named):
            raise UsageError(
                f"a planted change names a category outside 0 to {self.n_categories - 1}; "
                "choose another or set social_event and drift to None"
            )

    @property
    def answer_share(self) -> float:
        """Share of the events that are ratings, survey answers or feedback."""
        return self.rating_share + self.survey_share + self.feedback_share

    @property
    def categories(self) -> list[str]:
        """Names of the categories, most popular first."""
        names = list(DOMAINS[self.domain].categories)
        names += [f"category {number}" for number in range(len(names) + 1, self.n_categories + 1)]
        return names[: self.n_categories]

    def day(self, planted: int) -> int:
        """Return a planted day counted from the first day; before the log means on its first day."""
        return max(planted + self.n_days, 0) if planted < 0 else planted
