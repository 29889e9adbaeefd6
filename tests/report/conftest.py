"""A report's data, simulated: a year of a shop whose households slowly drift away from frozen food to fruit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from foretide.features.calendar import CALENDAR
from foretide.features.change_points import CHANGE_POINTS
from foretide.features.cohorts import STICKINESS
from foretide.features.effects import EFFECTS
from foretide.report.ahead import WHAT_IFS
from foretide.report.data import ReportData
from foretide.report.explained import EXPLAINED
from foretide.schema import ACCOUNTING, FINDINGS, HABITS, OUTLOOK, RECOMMENDATIONS, RETENTION, STAGE_COUNTS, STAGES, TS
from foretide.users.backtest import BASELINES, judged
from foretide.users.further import FURTHER
from foretide.users.interest_scores import BASELINES as MIXES
from foretide.users.interest_scores import INTEREST_QUALITY, MODEL
from foretide.users.interest_trends import EVERYBODY, TRENDS
from foretide.users.margins import margins
from foretide.users.mix_weights import MODELS, TOGETHER
from foretide.users.next_stage import CHANCES
from foretide.users.reasons import IMPORTANCE
from foretide.users.scores import groups, reliability
from foretide.users.segments import SEGMENTS, WORTH
from foretide.users.stage_tables import QUALITY

LAST = date(2024, 12, 31)
N_DAYS, H = 365, 28
N_USERS = 2469
CATEGORIES = (
    "Fruit & vegetables", "Dairy", "Bakery", "Soft drinks", "Frozen food",
    "Soup", "Meat", "Snacks", "Pet food", "Household",
)  # fmt: skip
EVENTS = ("Spring Fair", "Storm", "Soup week", "Flood", "Closing day", "Next year's fair")
PAST = [LAST - timedelta(days=N_DAYS - 1 - i) for i in range(N_DAYS)]
AHEAD = [LAST + timedelta(days=i + 1) for i in range(H)]
METRICS = ("mase", "rmsse", "mse", "rmse", "mae", "r2", "coverage_80", "coverage_95")


def forecast_frame(unique_id: str, mean: np.ndarray, spread: np.ndarray, top: float = np.inf) -> pl.DataFrame:
    """Return a forecast with normal bands that widen."""
    wide = spread * np.sqrt(1 + np.arange(len(mean)) / 7)
    bounds = {
        f"{side}-{level}": np.clip(mean + sign * z * wide, 0, top)
        for level, z in ((80, 1.28), (95, 1.96))
        for side, sign in (("lo", -1), ("hi", 1))
    }
    ids = [unique_id] * len(mean)
    return pl.DataFrame({"unique_id": ids, "ds": AHEAD[: len(mean)], "mean": mean, "median": mean, **bounds})


def long(unique_id: str, y: np.ndarray) -> pl.DataFrame:
    """Return a history as ``unique_id, ds, y``."""
    return pl.DataFrame({"unique_id": [unique_id] * len(y), "ds": PAST[-len(y) :], "y": y.astype(float)})


def simulated_activity(rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return three daily series with a week, a slow swell and noise."""
    t = np.arange(N_DAYS + H)
    week = np.array([1.0, 0.93, 0.9, 0.96, 1.08, 1.3, 1.22])[(t + PAST[0].weekday()) % 7]
    swell = 1 + 0.08 * np.sin(2 * np.pi * t / 365 - 1) + 0.0003 * t
    histories, forecasts = [], []
    for name, size in (("events", 4025.0), ("users", 730.0), ("value", 12_580.0)):
        mean = size * week * swell
        histories.append(long(name, np.round(mean[:N_DAYS] * rng.normal(1, 0.05, N_DAYS))))
        forecasts.append(forecast_frame(name, mean[N_DAYS:], 0.055 * mean[N_DAYS:]))
    return pl.concat(histories), pl.concat(forecasts)


def simulated_stages(rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return users by stage, whose number grows to ``N_USERS``, and those ahead, who are as many."""
    t = np.arange(N_DAYS + H) / N_DAYS
    weights = np.stack(
        [
            0.02 + 0.5 * np.exp(-6 * t),
            0.12 + 0.03 * np.sin(6 * t),
            0.62 - 0.08 * t,
            0.03 + 0.02 * t,
            0.1 + 0.05 * t,
            0.01 + 0.12 * t,
        ]
    )
    weights[:, :N_DAYS] *= rng.normal(1, 0.015, (len(STAGES), N_DAYS))
    shares = weights / weights.sum(axis=0)
    known = np.minimum(N_USERS, N_USERS * (0.55 + 0.5 * t[:N_DAYS] ** 0.5)).round()
    known[-1] = N_USERS
    counts = np.round(shares[:, :N_DAYS] * known).astype(int)
    counts[2] += (known - counts.sum(axis=0)).astype(int)
    history = pl.DataFrame(
        {"ds": PAST * len(STAGES), "stage": np.repeat(STAGES, N_DAYS), "users": counts.ravel()}, schema=STAGE_COUNTS
    )
    forecast = pl.concat(
        forecast_frame(stage, N_USERS * share, np.full(H, N_USERS * (0.004 + 0.02 * share[0])), top=N_USERS)
        for stage, share in zip(STAGES, shares[:, N_DAYS:], strict=True)
    )
    return history, forecast


def simulated_interests(rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return shares that drift: fruit and soup gain, frozen food loses."""
    t = np.arange(N_DAYS + H) / N_DAYS
    start = np.array([0.19, 0.16, 0.13, 0.11, 0.13, 0.05, 0.08, 0.07, 0.045, 0.035])
    drift = np.array([0.3, 0.0, -0.05, 0.05, -0.6, 0.75, -0.1, 0.02, 0.0, 0.1])
    weights = start[:, None] * np.exp(drift[:, None] * t)
    weights[:, :N_DAYS] *= rng.normal(1, 0.06, (len(start), N_DAYS))
    shares = weights / weights.sum(axis=0)
    history = pl.concat(long(name, share[:N_DAYS]) for name, share in zip(CATEGORIES, shares, strict=True))
    forecast = pl.concat(
        forecast_frame(name, share[N_DAYS:], 0.05 * share[N_DAYS:], top=1.0)
        for name, share in zip(CATEGORIES, shares, strict=True)
    )
    return history, forecast


def simulated_accounting(rng: np.random.Generator, active_now: int) -> pl.DataFrame:
    """Return daily flows that add up to the change of the active users and end at ``active_now``."""
    new, back, lost = (rng.poisson(rate, N_DAYS) for rate in (4.0, 2.2, 5.0))
    net = np.cumsum(new + back - lost)
    active = active_now + net - net[-1]
    return pl.DataFrame(
        {"ds": PAST, "active": active, "new": new, "resurrected": back, "lost": lost}, schema=ACCOUNTING
    )


def simulated_retention(rng: np.random.Generator) -> pl.DataFrame:
    """Return weekly cohorts that fade and then hold."""
    monday = LAST - timedelta(days=LAST.weekday())
    rows = []
    for weeks_ago in range(51, 0, -1):
        users = int(rng.integers(25, 90))
        for age in range(weeks_ago):
            share = 1.0 if age == 0 else 0.42 + 0.4 * np.exp(-age / 6)
            rows.append((monday - timedelta(weeks=weeks_ago), age, users, int(rng.binomial(users, share))))
    return pl.DataFrame(rows, schema=RETENTION, orient="row")


def simulated_retention_by_day(rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """Return the same cohorts by days: few on a day, more in some days, most on a day or later."""
    monday = LAST - timedelta(days=LAST.weekday())
    chances = {"n-day": 0.2, "bracket": 0.5, "unbounded": 0.8}
    ages = {"n-day": (0, 1, 7, 28, 84), "bracket": (1, 8, 15), "unbounded": (0, 1, 7, 28, 84)}
    over = {("bracket", first): last for first, last in ((1, 7), (8, 14), (15, 28))}
    rows: dict[str, list[tuple[date, int, int, int]]] = {kind: [] for kind in ages}
    for weeks_ago in range(51, 0, -1):
        cohort, users = monday - timedelta(weeks=weeks_ago), int(rng.integers(25, 90))
        for kind, age in ((kind, age) for kind, each in ages.items() for age in each):
            if cohort + timedelta(days=over.get((kind, age), age) + 6) <= LAST:
                came = users if age == 0 else int(rng.binomial(users, chances[kind]))
                rows[kind].append((cohort, age, users, came))
    return {kind: pl.DataFrame(found, schema=RETENTION, orient="row") for kind, found in rows.items()}


def simulated_stickiness(rng: np.random.Generator) -> pl.DataFrame:
    """Return users of a day, a week and a month."""
    dau = rng.integers(600, 800, N_DAYS)
    number = pl.int_range(1, N_DAYS + 1)
    days = pl.DataFrame({"ds": PAST, "dau": dau}).with_columns(
        wau=pl.when(number >= 7).then(1500), mau=pl.when(number >= 28).then(2000)
    )
    return days.with_columns(stickiness=pl.col("dau") / pl.col("mau")).cast(STICKINESS)


def simulated_effects() -> dict[str, pl.DataFrame]:
    """Return events of which one did much, one little, one is about soup, and others cannot be told."""
    soup = CATEGORIES[5]
    days = [date(2024, month, 3) for month in (3, 5, 9, 10, 11)] + [date(2025, 3, 3)]
    about = [None, None, soup, None, None, None]
    calendar = pl.DataFrame(
        [(name, ds, ds + timedelta(days=2), category) for name, ds, category in zip(EVENTS, days, about, strict=True)],
        schema=CALENDAR,
        orient="row",
    )
    figures = (  # segment, observed, expected, ratio, population_ratio, effect, lo, hi, placebos, p, q
        ("all", 9000.0, 6000.0, 1.5, None, 1.5, 1.3, 1.8, 90, 0.0001, 0.001),
        ("all", 5900.0, 6000.0, 0.98, None, 0.98, 0.8, 1.2, 90, 0.8, 0.9),
        (soup, 200.0, 400.0, 0.5, 1.0, 0.5, 0.4, 0.6, 90, 0.001, 0.01),
        ("all", 100.0, 6000.0, 1 / 60, None, 1 / 60, None, None, 3, None, None),
        ("all", None, None, None, None, None, None, None, 90, None, None),
    )
    rows = [(*event[:3], *told) for event, told in zip(calendar.iter_rows(), figures, strict=False)]
    effects = pl.DataFrame(rows, schema=EFFECTS, orient="row")
    single = effects.head(2).with_columns(segment=pl.lit(CATEGORIES[1]))
    return {"calendar": calendar, "effects": effects, "interest_effects": single}


def simulated_habits(rng: np.random.Generator) -> pl.DataFrame:
    """Return an evening and a weekend peak."""
    hour, weekday = np.meshgrid(np.arange(24), np.arange(1, 8))
    level = np.exp(-(((hour - 18) / 3.2) ** 2)) + 0.5 * np.exp(-(((hour - 11) / 2.5) ** 2)) + 0.02
    level = level * np.where(weekday >= 6, 1.5, 1.0)
    events = rng.poisson(9000 * level)
    columns = {"weekday": weekday.ravel(), "hour": hour.ravel(), "events": events.ravel()}
    return pl.DataFrame(columns, schema=HABITS)


def simulated_outlook(rng: np.random.Generator, stages: pl.DataFrame) -> pl.DataFrame:
    """Return one row a user with a chance that fits the stage."""
    now = stages.filter(pl.col("ds") == LAST)
    stage = np.repeat(now["stage"].to_numpy(), now["users"].to_numpy())
    centre = {"new": 0.3, "growing": 0.03, "active": 0.08, "resurrected": 0.25, "at_risk": 0.55, "churned": 0.9}
    mean = np.array([centre[name] for name in stage])
    chance = rng.beta(6 * mean, 6 * (1 - mean))
    frame = pl.DataFrame(
        {
            "user_id": [f"household {i}" for i in range(len(stage))],
            "stage": stage,
            "p_inactive": chance,
            "expected_active_days": 12 * (1 - chance),
        }
    )
    fixed = frame.with_columns(as_of=pl.lit(datetime(2025, 1, 1, tzinfo=UTC), dtype=TS), horizon_days=H, known=True)
    chances = dict(zip(CHANCES, rng.dirichlet(np.ones(len(CHANCES)), len(stage)).T, strict=True))
    more = fixed.with_columns(**{name: pl.Series(p) for name, p in chances.items()}, expected_value=pl.lit(9.0))
    told = more.with_columns(expected_hill_1=1 + 4 * (1 - pl.col("p_inactive")), p_new_category=pl.lit(0.25))
    return told.select(pl.col(name).cast(kind) for name, kind in (OUTLOOK | FURTHER).items())


def simulated_backtest(*mases: float) -> pl.DataFrame:
    """Return scores of five models with these MASEs."""
    models = ("SeasonalNaive", "SeasonalWindowAverage", "SeasonalWindowMedian", "HoltWinters", "Ensemble")
    rows = [
        (name, m, 0.9 * m, (230 * m) ** 2, 230 * m, 180 * m, 1 - 0.6 * m, 0.79, 0.94)
        for name, m in zip(models, mases, strict=True)
    ]
    return pl.DataFrame(rows, schema=["model", *METRICS], orient="row")


def simulated_quality() -> pl.DataFrame:
    """Return the outlook's scores beside a simple rate."""
    rows = [
        ("all", "foretide", 2440, 0.061, 0.158, 0.874, 0.043, 0.006),
        ("all", "stage rate", 2440, 0.061, 0.171, 0.821, 0.047, 0.009),
        ("at_risk", "foretide", 310, 0.29, 0.52, 0.71, 0.17, 0.02),
        ("active", "foretide", 1500, 0.01, 0.05, None, 0.01, 0.002),
    ]
    names = ["stage", "model", "n", "base_rate", "log_loss", "auc", "brier", "calibration_error"]
    return pl.DataFrame(rows, schema=names, orient="row")


def simulated_findings() -> pl.DataFrame:
    """Return three findings of the data check."""
    rows = [
        ("gap", 1, "2024-12-25", "warning"),
        ("sent_twice", 1204, "household 1, SKU 12", "notice"),
        ("one_event_users", 61, "household 7", "notice"),
    ]
    return pl.DataFrame(rows, schema=FINDINGS, orient="row")


def simulated_recommendations() -> pl.DataFrame:
    """Return a few lists."""
    rows = [(f"household {u}", f"SKU {100 * u + r}", 1 / r, r) for u in range(4) for r in range(1, 6)]
    return pl.DataFrame(rows, schema=RECOMMENDATIONS, orient="row")


def simulated_data(rng: int | np.random.Generator = 7) -> ReportData:
    """Return the data of a whole report."""
    rng = np.random.default_rng(rng)
    stages, stages_ahead = simulated_stages(rng)
    active = stages.filter((pl.col("ds") == LAST) & (pl.col("stage") != "churned"))["users"].sum()
    activity, activity_ahead = simulated_activity(rng)
    interests, interests_ahead = simulated_interests(rng)
    by_day, sticky = simulated_retention_by_day(rng), simulated_stickiness(rng)
    return ReportData(
        retention_by_day=by_day,
        stickiness=sticky,
        title="Corner shop",
        as_of=datetime(2025, 1, 1, tzinfo=UTC),
        horizon_days=H,
        n_events=int(activity.filter(pl.col("unique_id") == "events")["y"].sum()),
        n_users=N_USERS,
        activity_history=activity,
        activity_forecast=activity_ahead,
        stage_history=stages,
        stage_forecast=stages_ahead,
        accounting=simulated_accounting(rng, active),
        interest_history=interests,
        interest_forecast=interests_ahead,
        retention=simulated_retention(rng),
        habits=simulated_habits(rng),
        **simulated_evolution(),
        **simulated_effects(),
        **simulated_ahead(active),
        **simulated_models(rng),
        **simulated_groups(),
        **simulated_reasons(),
        backtests={
            "activity": simulated_backtest(1.02, 0.91, 0.9, 0.88, 0.86),
            "interests": simulated_backtest(1.02, 0.81, 0.79, 0.84, 0.8),
        },
        outlook=simulated_outlook(rng, stages),
        outlook_quality=simulated_quality(),
        findings=simulated_findings(),
        recommendations=simulated_recommendations(),
        notes=("The history holds one holiday season only.",),
    )


def simulated_evolution() -> dict[str, pl.DataFrame]:
    """Return moves between all stages, two changes of level, and two users who turned from soup to fruit."""
    pairs = [(age, was, now) for age in ("0-27", "28-83") for was in (*STAGES, None) for now in STAGES]
    moves = pl.DataFrame(pairs, schema=["age", "stage", "next_stage"], orient="row").with_columns(
        users=pl.when(pl.col("stage") == pl.col("next_stage")).then(80).otherwise(4).cast(pl.Int64),
        chance=pl.lit(0.5),
    )
    levels = {"series": ["daily_users", f"share: {CATEGORIES[5]}"], "ds": [LAST, date(2024, 5, 1)]}
    found = pl.DataFrame(levels | {"before": [700.0, 0.05], "after": [800.0, 0.0], "ratio": [8 / 7, None]})
    users = {"user_id": ["a", "b", "c"], "changed": [True, True, False], "q_value": [0.01, 0.02, 0.9]}
    drift = pl.DataFrame(users | {"rising": [CATEGORIES[0]] * 2 + [None], "falling": [CATEGORIES[5]] * 2 + [None]})
    habits = pl.DataFrame(users).with_columns(changed=pl.lit(value=False))
    return {"moves": moves, "change_points": found.cast(CHANGE_POINTS), "drift": drift, "habit_drift": habits}


def simulated_ahead(active_now: int) -> dict[str, pl.DataFrame]:
    """Return an account of growth that adds up, and what three changes would do."""
    flows = {"new": np.full(H, 4.2), "resurrected": np.full(H, 2.1), "lost": np.linspace(4.0, 6.0, H)}
    active = active_now + np.cumsum(flows["new"] + flows["resurrected"] - flows["lost"])
    answers = {"reactivation": (10, 24.4, 6.0), "arrivals": (-20, -8.1, 3.0), "retention": (5, 0.2, 1.0)}
    what_ifs = [
        (name, change, active[-1], active[-1] + won, won, won - reach, won + reach)
        for name, (change, won, reach) in answers.items()
    ]
    return {
        "account_ahead": pl.DataFrame({"ds": AHEAD, "active": active} | flows),
        "mix_weights": pl.DataFrame({"model": MODELS, "weight": [0.5, 0.3, 0.2]}),
        "mix_quality": pl.DataFrame([[*MODELS, TOGETHER], [0.5] * 4, [0.4, 0.5, 0.6, 0.3]], schema=QUALITY),
        "what_ifs": pl.DataFrame(what_ifs, schema=WHAT_IFS, orient="row"),
    }


def simulated_models(rng: np.random.Generator) -> dict[str, object]:
    """Return models that know the chances, that hardly do, and that have them the wrong way round."""
    stage = np.repeat(["active", "at_risk", "new"], [400, 200, 20])
    chance = rng.beta(1.2, 2.0, len(stage))
    happened = rng.random(len(stage)) < chance
    days = rng.poisson(3.0 * (1 - chance)) + 1
    test = pl.DataFrame({"stage": stage, "inactive": happened, "active_days_ahead": np.where(happened, 0, days)})
    told = {"glm": chance, "bgnbd": 0.9 * happened.mean() + 0.1 * chance, "svm": 1 - chance}
    told |= dict.fromkeys(BASELINES, np.full(len(stage), happened.mean()))
    tables = {name: pl.DataFrame({"p_inactive": p, "expected_active_days": 4 * (1 - p)}) for name, p in told.items()}
    seen = test["inactive"].to_numpy().astype(float)
    return {
        "models": judged(test, tables, tuple(BASELINES)),
        "model_margins": margins(test, told, ("glm",)).filter(stage="all"),
        "model_kept": "glm",
        "models_untried": ("mlp", "lstm"),
        "reliability": pl.concat(
            reliability(seen[there], chance[there]).select(pl.lit(name).alias("stage"), pl.all())
            for name, there in groups(test).items()
        ),
    }


def simulated_groups() -> dict[str, pl.DataFrame]:
    """Return two groups, one of them with a long name, and two users with something at stake."""
    top = list(CATEGORIES[:3])
    long_name = "churned, likes Soup, comes rarely, always at about noon, far from here"
    found = [
        ("active, comes often", 2000, 0.8, 0.05, 100.0, 5.0, 900.0, top, top),
        (long_name, 469, 0.2, 0.6, 281.4, 0.5, 90.0, top, top),
    ]
    worth = [
        (1, "household 1", "at_risk", 0.5, 90.0, 45.0, "value", CATEGORIES[0]),
        (2, "household 2", "active", 0.1, 80.0, 8.0, "value", None),
    ]
    trends = [
        (EVERYBODY, CATEGORIES[0], 0.21, 0.25, 0.23, 0.27, "rising"),
        (EVERYBODY, CATEGORIES[4], 0.09, 0.07, 0.06, 0.08, "falling"),
        (long_name, CATEGORIES[5], 0.05, 0.08, 0.06, 0.1, "rising"),
        (long_name, CATEGORIES[1], 0.16, 0.16, 0.1, 0.2, "steady"),
    ]
    return {
        "interest_quality": simulated_mixes(),
        "segments": pl.DataFrame(found, schema=SEGMENTS, orient="row"),
        "interest_trends": pl.DataFrame(trends, schema=TRENDS, orient="row"),
        "worth": pl.DataFrame(worth, schema=WORTH, orient="row"),
    }


def simulated_mixes() -> pl.DataFrame:
    """Return scores of expected interests that are better than those of simple mixes."""
    losses = zip((MODEL, *MIXES), (2.1, 2.5, 2.3, 2.9), strict=True)
    rows = [(name, 2400, 90_000, x, "decayed mix", x - 2.3, x - 2.32, x - 2.28) for name, x in losses]
    return pl.DataFrame(rows, schema=INTEREST_QUALITY, orient="row")


def simulated_reasons() -> dict[str, pl.DataFrame]:
    """Return what the chances rest on, and two users explained; their words are names here."""
    told = [("household 1", 0.5, CATEGORIES[0], CATEGORIES[1]), ("household 2", 0.1, CATEGORIES[2], CATEGORIES[3])]
    sizes = [("recency", 0.9), ("recent_activity", 0.5), ("stage", 0.1)]
    return {
        "importance": pl.DataFrame(sizes, schema=IMPORTANCE, orient="row"),
        "explained": pl.DataFrame(told, schema=EXPLAINED, orient="row"),
    }


def series_only(data: ReportData) -> ReportData:
    """Return what a workspace of ready-made series would give: other ids, no users."""
    names = {"events": "till A", "users": "till B", "value": "till C"}
    renamed = {
        part: getattr(data, part).with_columns(pl.col("unique_id").replace(names))
        for part in ("activity_history", "activity_forecast")
    }
    return ReportData(
        data.title, data.as_of, data.horizon_days, backtests={"series": data.backtests["activity"]}, **renamed
    )


def hostile(data: ReportData, name: str) -> ReportData:
    """Return the data with a name of the attacker's choice wherever a name can stand."""
    first = {CATEGORIES[0]: name, CATEGORIES[5]: f"{name}2"}
    swap = {
        part: getattr(data, part).with_columns(pl.col("unique_id").replace(first))
        for part in ("interest_history", "interest_forecast")
    }
    told = pl.DataFrame([("gap", 1, name, "warning")], schema=FINDINGS, orient="row")
    shown = pl.DataFrame([(name, name, 1.0, 1)], schema=RECOMMENDATIONS, orient="row")
    return replace(data, title=name, findings=told, recommendations=shown, notes=(name,), **swap)


class Page(HTMLParser):
    """What a page holds: its open tags in order, its text by element, and whether every tag is closed."""

    VOID = frozenset({"meta", "polyline", "br", "link", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.slips: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in self.VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.slips.append(tag)

    def handle_data(self, data):
        self.texts.append((tuple(self.stack), data))

    def ids(self) -> set[str]:
        return {attrs["id"] for _, attrs in self.tags if "id" in attrs}

    def text(self) -> str:
        """The words of the page, without scripts and styles."""
        seen = (text for stack, text in self.texts if not {"script", "style"} & set(stack))
        return " ".join("".join(seen).split())


@pytest.fixture(scope="session")
def data() -> ReportData:
    return simulated_data()


@pytest.fixture(scope="session")
def written(data, tmp_path_factory):
    """The whole report in both languages."""
    from foretide.report.html import write_report

    folder = tmp_path_factory.mktemp("report")
    return {lang: write_report(data, folder / f"{lang}.html", lang) for lang in ("en", "zh")}


@pytest.fixture(scope="session")
def seen(written) -> dict[str, Page]:
    """The pages of the whole report, parsed."""
    return {lang: Page(path.read_text("utf-8")) for lang, path in written.items()}
