"""The check finds what is odd, and nothing where nothing is."""

from datetime import UTC, datetime, timedelta

import pytest

from events.small import NOW, chunk, event
from foretide.events.check import check
from foretide.events.store import EventStore
from foretide.schema import FINDINGS
from foretide.text import LANGUAGES, catalogue

DAY = 24 * 60


def findings(tmp_path, *rows):
    """Return count by code for a store with these events."""
    store = EventStore.create(tmp_path / "store", n_buckets=2)
    store.ingest([chunk(*rows)], "f", NOW)
    table = check(store, NOW)
    assert table.schema == FINDINGS
    return dict(table.select("check", "count").iter_rows())


def steady(days, skip=(), quiet=()):
    """Return a log with two users, 30 events a day, every item with a category."""
    return [
        event(f"u{n % 2}", day * DAY + 600 + 7 * n, category="c")
        for day in range(days)
        if day not in skip
        for n in range(2 if day in quiet else 30)
    ]


def test_a_steady_log_has_no_findings(tmp_path):
    assert findings(tmp_path, *steady(30)) == {}


def test_days_without_events_and_quiet_days(tmp_path):
    found = findings(tmp_path, *steady(40, skip={10, 11}, quiet={20}))
    assert found == {"gap": 2, "quiet_day": 1}


def test_a_shop_that_is_closed_on_sundays_has_no_gaps(tmp_path):
    sundays = set(range(4, 40, 7))  # 2025 began on a Wednesday
    assert findings(tmp_path, *steady(40, skip=sundays)) == {}


def test_a_long_silence_in_a_small_log(tmp_path):
    days = [day for day in range(60) if not 20 <= day < 40]
    small = [event(f"u{n % 2}", day * DAY + 60 * n, category="c") for day in days for n in range(1, 4)]
    assert findings(tmp_path, *small) == {"silence": 1}


def test_chance_leaves_single_days_of_a_small_log_empty(tmp_path):
    small = [event(f"u{day % 2}", day * DAY + 60, category="c") for day in range(60) if day % 3]
    assert findings(tmp_path, *small) == {}


def test_events_sent_twice(tmp_path):
    twice = event("u1", 5, category="c", event_id="a"), event("u1", 5, category="c", event_id="b")
    assert findings(tmp_path, *steady(3), *twice)["sent_twice"] == 1


def test_two_lines_of_a_receipt_are_kept_and_mentioned(tmp_path):
    assert findings(tmp_path, *steady(3), event("u1", 5, category="c"), event("u1", 5, category="c"))["sent_twice"]


def test_users_with_one_event_and_events_without_item_or_category(tmp_path):
    found = findings(tmp_path, *steady(3), event("lone", 5), event("other", 6, item=None))
    assert found == {"one_event_users": 2, "no_item": 1, "no_category": 1}


def test_a_machine_among_people(tmp_path):
    machine = [event("robot", 3 * DAY + n / 60, category="c") for n in range(1_000)]
    people = [event(f"p{n}", n * 60, category="c") for n in range(60)]
    assert findings(tmp_path, *people, *people, *machine)["bots"] == 1


def test_a_fast_clock(tmp_path):
    ahead = event("u1", category="c", ts=NOW + timedelta(hours=3))
    assert findings(tmp_path, *steady(3), ahead)["future"] == 1


def test_dates_without_times(tmp_path):
    dates = [event(f"u{n % 2}", day * DAY, category="c") for day in range(30) for n in range(2)]
    assert findings(tmp_path, *dates)["dates_without_time"] == 60


def test_the_quarantine_is_reported_by_reason(tmp_path):
    old = [event(user, ts=datetime(1970, 1, 1, tzinfo=UTC)) for user in ("u1", "u2")]
    again = [event(user, 5, category="c", event_id="taken") for user in ("u1", "u2")]
    found = findings(tmp_path, *steady(3), *old, *again)
    assert found == {"quarantine_ancient_ts": 2, "quarantine_conflict": 1}


def test_an_empty_store_has_no_findings(tmp_path):
    assert findings(tmp_path) == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_has_words_for_its_finding(lang):
    texts = catalogue(lang)
    reasons = [key.removeprefix("reason.") for key in texts if key.startswith("reason.")]
    assert reasons
    for reason in reasons:
        assert f"check.quarantine_{reason}.title" in texts
        assert f"check.quarantine_{reason}.action" in texts


def test_values_out_of_all_proportion(tmp_path):
    usual = [event(f"u{n % 2}", 7 * n, category="c", value=float(n % 50)) for n in range(2_000)]
    odd = [event("u1", 10 + n, category="c", value=value) for n, value in enumerate((-1e14, 60_000.0, 40_000.0))]
    assert findings(tmp_path, *usual, *odd)["outliers"] == 2  # 49 is the quantile, 49,000 the bound


@pytest.mark.parametrize("values", [[1.0] * 50 + [1e9], [0.0] * 2_000 + [5.0], [float(n) for n in range(2_000)]])
def test_few_values_and_wide_ones_are_no_outliers(tmp_path, values):
    rows = [event(f"u{n % 2}", 7 * n, category="c", value=value) for n, value in enumerate(values)]
    assert "outliers" not in findings(tmp_path, *rows)
