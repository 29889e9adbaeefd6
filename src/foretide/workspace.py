"""A workspace: a folder with ``foretide.toml`` and a store, and the steps of the main job in order.

Nothing clever happens here. Each method settles what is known at ``as_of`` and hands it to the part that
knows how; that part is imported when it is needed, so that no command loads more than it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from foretide.errors import NotEnoughDataError, UsageError
from foretide.events.check import check
from foretide.events.engine import Engine, LocalEngine
from foretide.events.records import Counts
from foretide.events.store import EventStore
from foretide.features.calendar import country_holidays, known_days, own_events
from foretide.features.given_series import series_panel
from foretide.features.measures import GIVEN, SHARES, check_measure, measured
from foretide.features.now import default_as_of
from foretide.features.rule import LifecycleRule
from foretide.features.series import has_values, last_day
from foretide.forecast.catalogue import BY_DEFAULT
from foretide.schema import Panel
from foretide.settings import Settings

if TYPE_CHECKING:
    from foretide.events.sources.files import FileSource
    from foretide.explain import Explanation
    from foretide.forecast.engine import Run
    from foretide.outlook import Outlook
    from foretide.recommend.engine import Advice
    from foretide.users.models import Chosen


@dataclass(frozen=True)
class Workspace:
    """A team's events and what foretide makes of them.

    Use ``Workspace.create(path)`` for a new one and ``Workspace.open(path)`` for one that is there. Its
    ``engine`` reads the store.
    """

    path: Path
    settings: Settings
    store: EventStore
    engine: Engine = field(default_factory=LocalEngine)

    @classmethod
    def create(cls, path: Path | str, **settings: Any) -> Workspace:
        """Make a folder into a workspace; ``settings`` are the fields of ``Settings``.

        Raises
        ------
        UsageError
            If the folder is a workspace already or a setting is out of range.
        """
        path = Path(path)
        chosen = Settings(**settings)
        if Settings.exists(path):
            raise UsageError(f"{path} is a workspace already; choose another folder or use it as it is")
        path.mkdir(parents=True, exist_ok=True)
        store = EventStore.create(path / "store", chosen.timezone)
        chosen.save(path)
        return cls(path, chosen, store)

    @classmethod
    def open(cls, path: Path | str = ".", engine: Engine | None = None) -> Workspace:
        """Open a workspace, whose buckets threads work on if no engine is given.

        Raises
        ------
        NotAWorkspaceError
            If the folder is none.
        """
        path = Path(path)
        chosen = Settings.load(path)
        return cls(path, chosen, EventStore.open(path / "store", chosen.timezone), engine or LocalEngine())

    def import_file(self, path: Path | str, **corrections: Any) -> Counts:
        """Import a file; ``corrections`` as in ``foretide.events.sources.files.sniff``."""
        from foretide.events.sources.files import sniff

        return self.load(sniff(Path(path), **corrections))

    def load(self, source: FileSource, progress: Callable[[int], object] | None = None) -> Counts:
        """Import what ``sniff`` found in a file, as ``events.sources.loading.load``."""
        from foretide.events.sources.loading import load

        return load(self.store, source, progress)

    def ingest(self, frame: Any, name: str = "frame", **corrections: Any) -> Counts:
        """Import a pandas, Polars or Arrow frame of events; ``corrections`` as in ``frame_chunks``."""
        from foretide.events.sources.frames import frame_chunks

        return self.store.ingest(frame_chunks(frame, source=name, **corrections), name)

    def check(self) -> pl.DataFrame:
        """Return what is odd about the events, a row of ``schema.FINDINGS`` each."""
        return check(self.store, engine=self.engine)

    def moment(self, as_of: datetime | None = None) -> datetime:
        """Return ``as_of`` in UTC; a naive time is local, None is the end of the last whole day."""
        if as_of is not None:
            zone = as_of.tzinfo or ZoneInfo(self.settings.timezone)
            return as_of.replace(tzinfo=zone).astimezone(ZoneInfo("UTC"))
        span = self.store.span()
        if span is None:
            also = "" if self.store.table("series").is_empty() else ", or ask for: foretide forecast series"
            raise NotEnoughDataError(
                f"{self.path.resolve()} has no events yet; import some with: foretide import FILE{also}"
            )
        return default_as_of(self.store, span[1], self.engine)

    def history(self, what: str = "events", by: str | None = None, as_of: datetime | None = None) -> Panel:
        """Return daily series of one of ``MEASURES``, one for each value of the column ``by``.

        ``stages`` are counts of users at the end of each day, ``interests`` events by category.
        """
        check_measure(what)
        if what == GIVEN:
            return series_panel(self.store.table("series"), as_of)
        return measured(self.store, what, by, self.moment(as_of), self.rule, self.engine)

    def has_values(self, as_of: datetime | None = None) -> bool:
        """Tell whether any event has a value."""
        return has_values(self.store, self.moment(as_of), self.engine)

    def members(self, told: pl.DataFrame, conditions: Mapping[str, str], as_of: datetime | None = None) -> pl.DataFrame:
        """Return who is in which segment, as ``users.segment_members.segment_members``."""
        from foretide.users.segment_members import segment_members

        return segment_members(self.store, self.moment(as_of), self.rule, told, conditions, self.engine)

    def growth(self, as_of: datetime | None = None) -> pl.DataFrame:
        """Return the daily account of active users, ``schema.ACCOUNTING``."""
        from foretide.features.population import accounting

        return accounting(self.store, self.moment(as_of), self.rule, engine=self.engine)

    def features(self, as_of: datetime | None = None) -> pl.DataFrame:
        """Return what is known about each user: stage, activity, gaps."""
        from foretide.features.fold import feature_table

        return feature_table(self.store, [self.moment(as_of)], self.rule, engine=self.engine)

    def forecast(
        self,
        what: str = "events",
        by: str | None = None,
        h: int = 28,
        levels: Sequence[int] = (80, 95),
        as_of: datetime | None = None,
        *,
        models: Sequence[str] = BY_DEFAULT,
        events: pl.DataFrame | None = None,
        covariates: pl.DataFrame | None = None,
        total: bool = False,
    ) -> Run:
        """Forecast one of ``MEASURES`` for ``h`` days, with intervals at ``levels`` percent.

        Shares (``stages``, ``interests``) are forecast without events and further models.

        Parameters
        ----------
        what, by, h, levels, as_of
            What to forecast, one series for each value of which column, days ahead, percent, what is known.
        models
            What to try beside the candidates, as in ``forecast.engine.run``; ``()`` is fast.
        events
            Known events past and to come, ``CALENDAR``; those of the settings if None.
        covariates
            Prices and other figures past and to come, as in ``forecast.engine.run``.
        total
            Whether the sum of all series is forecast too, so that they add up to it.

        Raises
        ------
        NotEnoughDataError
            If there is too little history, or ``value`` is asked for and no event has one.
        """
        from foretide.forecast.engine import run, run_shares
        from foretide.forecast.frames import SEASONS

        if what == "value" and not self.has_values(as_of):
            raise NotEnoughDataError(
                f"no event in {self.path} has a value; import a column of numbers as value with --map value=COLUMN "
                "(--decimal , where they have decimal commas), or forecast events or users"
            )
        panel = self.history(what, by, as_of)
        if what in SHARES:
            return run_shares(panel, h, levels)
        known = self.calendar(as_of, days_ahead=h) if events is None else events
        events = None if known.is_empty() else known
        if total:
            from foretide.forecast.sums import run_total

            return run_total(panel, h, levels, SEASONS["day"], models=models, events=events, covariates=covariates)
        return run(panel, h, levels, SEASONS["day"], models=models, events=events, covariates=covariates)

    def outlook(
        self, users: Sequence[str] | None = None, horizon_days: int = 28, as_of: datetime | None = None
    ) -> Outlook:
        """Tell what users will do: all of them, or those named.

        An unknown user gets what is expected of a new one, and a note says so.
        """
        from foretide.outlook import outlook

        moment = self.moment(as_of)
        model = self.chosen(horizon_days, moment)
        asked = self.store, moment, horizon_days, self.rule, users
        return outlook(*asked, fallback=True, chosen=model, engine=self.engine)

    def explain(
        self, user: str, horizon_days: int = 28, as_of: datetime | None = None, likely: float = 0.5
    ) -> Explanation:
        """Tell why a user's outlook is what it is, and what would turn it, as ``explain.explain``."""
        from foretide.explain import explain

        moment = self.moment(as_of)
        model = self.chosen(horizon_days, moment)
        return explain(self.store, moment, user, horizon_days, self.rule, likely, model, self.engine)

    def explain_model(self, horizon_days: int = 28, as_of: datetime | None = None) -> pl.DataFrame:
        """Tell how much each reason counts over all users, as ``explain.explain_model``."""
        from foretide.explain import explain_model

        moment = self.moment(as_of)
        model = self.chosen(horizon_days, moment)
        return explain_model(self.store, moment, horizon_days, self.rule, model, self.engine)

    def recommend(
        self,
        users: Sequence[str] | None = None,
        k: int = 10,
        as_of: datetime | None = None,
        *,
        repeats: bool | None = None,
        interests: pl.DataFrame | None = None,
    ) -> Advice:
        """Choose ``k`` items for users, all of them or those named, in the light of their outlook.

        Items that a user has had come back or not by ``repeats``, or by the workspace's domain if None. ``interests``
        are those of an outlook that is at hand; worked out if None.
        """
        from foretide.recommend.engine import advise
        from foretide.users.interests import expected_interests

        moment = self.moment(as_of)
        if interests is None:
            interests = expected_interests(self.store, moment, engine=self.engine)
        asked, domain = (self.store, moment, users, k), self.settings.domain
        return advise(*asked, repeats=repeats, domain=domain, interests=interests, engine=self.engine)

    def titled(self, items: pl.DataFrame) -> pl.DataFrame:
        """Add a column ``title``, as ``recommend.titles.titled``."""
        from foretide.recommend.titles import titled

        return titled(items, self.store.table("items"))

    def calendar(
        self,
        as_of: datetime | None = None,
        holidays: str | None = None,
        own: pl.DataFrame | None = None,
        days_ahead: int = 0,
    ) -> pl.DataFrame:
        """Return what is known of the days of the log and of those to come, ``features.calendar.CALENDAR``.

        Holidays of a country or region and a team's own events; those that the settings name if both are None.
        ``days_ahead`` is the number of days after ``as_of``, or after ready-made series if there are no events, whose
        holidays are wanted too.
        """
        chosen = self.settings
        if holidays is None and own is None:
            holidays, own = chosen.holidays, own_events(self.path / chosen.events) if chosen.events else None
        days = self.days(as_of)
        if not holidays or days is None:
            return known_days(own)
        return known_days(own, country_holidays(holidays, days[0], days[1] + timedelta(days=days_ahead)))

    def days(self, as_of: datetime | None = None) -> tuple[date, date] | None:
        """Return the first and the last day of the log, or of ready-made series if it is empty; None without both."""
        if (span := self.store.span()) is not None:
            ends = span[0] + timedelta(days=1), self.moment(as_of)
            first, last = (last_day(end, self.settings.timezone) for end in ends)
            return first, last
        given = self.store.table("series")
        return None if given.is_empty() else given.select(first=pl.col("ds").min(), last=pl.col("ds").max()).row(0)

    def default_measure(self) -> str:
        """Return ``events``, or ``series`` if there are only ready-made ones."""
        return "events" if self.store.n_events or self.store.table("series").is_empty() else "series"

    @property
    def rule(self) -> LifecycleRule:
        """The lifecycle rule of this workspace."""
        return LifecycleRule(self.settings.window_days, self.settings.critical_events or None)

    def chosen(self, horizon_days: int = 28, as_of: datetime | None = None) -> Chosen:
        """Return the model of users that was kept for outlooks of a moment, as ``tune.choice.chosen``."""
        from foretide.tune.choice import chosen
        from foretide.tune.folds import cutoff_of_test

        until = cutoff_of_test(self.moment(as_of), horizon_days, self.settings.timezone)
        return chosen(self.path, horizon_days, until)
