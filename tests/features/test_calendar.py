"""Known events: holidays of a country and a team's own file."""

import re
from datetime import date

import pytest

from foretide.errors import UsageError
from foretide.features.calendar import CALENDAR, country_holidays, own_events
from foretide.text import speaking

YEAR = (date(2025, 1, 1), date(2025, 12, 31))


def test_holidays_are_those_of_the_country():
    table = country_holidays("de", *YEAR)
    assert table.schema == CALENDAR
    unity = table.filter(event="German Unity Day").rows()
    assert unity == [("German Unity Day", date(2025, 10, 3), date(2025, 10, 3), None)]
    assert table["ds"].is_sorted()


def test_a_region_has_its_own():
    added = set(country_holidays("DE-BY", *YEAR)["event"]) - set(country_holidays("DE", *YEAR)["event"])
    assert "Epiphany" in added


def test_only_the_days_asked_for_are_told():
    one = country_holidays("DE", date(2025, 12, 25), date(2025, 12, 25))
    assert one["event"].to_list() == ["Christmas Day"]
    assert country_holidays("DE", date(2025, 7, 1), date(2025, 7, 31)).rows() == []
    assert country_holidays("DE", date(2024, 12, 26), date(2025, 1, 1)).height == 2


def test_days_in_a_row_with_one_name_are_one_event():
    table = country_holidays("CN", *YEAR).filter(event="National Day")
    assert table.select("ds", "end").rows() == [(date(2025, 10, 1), date(2025, 10, 3))]


def test_holidays_have_their_names_in_the_language_that_is_spoken():
    with speaking("zh"):
        told = {country: country_holidays(country, *YEAR) for country in ("CN", "DE", "US", "FR-57")}
    assert "国庆节" in told["CN"]["event"].to_list()
    assert {"元旦", "圣诞节", "德国统一日"} <= set(told["DE"]["event"])
    assert "圣诞节" in told["US"]["event"].to_list()
    for country, table in told.items():
        assert table.select("ds", "end").height == country_holidays(country, *YEAR).height
    with speaking("zh"):
        moved = country_holidays("US", date(2026, 7, 1), date(2026, 7, 5))["event"].to_list()
    assert moved == ["独立日（补假）", "独立日"]


@pytest.mark.parametrize("country", ["XX", "DE-XX", "", "germany"])
def test_an_unknown_country_is_told_how_to_list_them(country):
    with pytest.raises(UsageError, match="list_supported_countries"):
        country_holidays(country, *YEAR)


def written(folder, text, encoding="utf-8"):
    path = folder / "events.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_own_events_are_read_in_the_order_of_time(tmp_path):
    text = '\ufeffname, start,end,category\r\n"Sale, big",2025-11-28,2025-12-01,toys\r\n\r\nLaunch,2025-03-01,,\r\n'
    table = own_events(written(tmp_path, text))
    assert table.schema == CALENDAR
    assert table.rows() == [
        ("Launch", date(2025, 3, 1), date(2025, 3, 1), None),
        ("Sale, big", date(2025, 11, 28), date(2025, 12, 1), "toys"),
    ]


def test_category_may_be_left_out(tmp_path):
    table = own_events(written(tmp_path, "start,end,name\n2025-03-01,2025-03-02,Launch\n"))
    assert table.rows() == [("Launch", date(2025, 3, 1), date(2025, 3, 2), None)]
    assert own_events(written(tmp_path, "name,start,end\n")).rows() == []


@pytest.mark.parametrize(
    "text",
    [
        'name;start;end;category\n"Sale; big";2025-11-28;2025-12-01;toys\nLaunch;2025-03-01;;\n',
        "name\tstart\tend\tcategory\nSale; big\t2025-11-28\t2025-12-01\ttoys\nLaunch\t2025-03-01\n",
        "event,ds,end,category\nSale; big,2025-11-28,2025-12-01,toys\nLaunch,2025-03-01,,\n",
    ],
)
def test_semicolons_tabs_and_a_written_calendar_do(tmp_path, text):
    assert own_events(written(tmp_path, text)).rows() == [
        ("Launch", date(2025, 3, 1), date(2025, 3, 1), None),
        ("Sale; big", date(2025, 11, 28), date(2025, 12, 1), "toys"),
    ]


@pytest.mark.parametrize("text", ["date;name\n2025-03-01;A, B\n", 'name,start\n"A, B",2025-03-01\n'])
def test_one_column_of_days_is_enough(tmp_path, text):
    assert own_events(written(tmp_path, text)).rows() == [("A, B", date(2025, 3, 1), date(2025, 3, 1), None)]


def test_what_was_written_is_read_back(tmp_path):
    table = country_holidays("CN", *YEAR)
    path = tmp_path / "holidays.csv"
    table.write_csv(path)
    assert own_events(path).equals(table.sort("ds", "end", "event"))


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", 1, "header"),
        ("name,end\nA,2025-01-01\n", 1, "not name,end"),
        ("name,start,date\nA,2025-01-01,2025-01-01\n", 1, "header"),
        ("name|start\nA|2025-01-01\n", 1, "not name|start"),
        ("name;start\nA; B;2025-01-01\n", 2, "quote a name with a ';'"),
        ("name;start\nA\n", 2, "'' is no day"),
        ("name,start,end,colour\n", 1, "header"),
        ("name,start,end\nA,2025-01-01,2025-01-02\nB,1.2.2025,\n", 3, "'1.2.2025' is no day"),
        ("name,start,end\nA,2025-01-05,2025-01-02\n", 2, "before it starts"),
        ("name,start,end\n,2025-01-05,\n", 2, "no name"),
        ("name,start,end\nSale, big,2025-01-05,\n", 2, "4 cells"),
        ('name,start,end\n"two\nlines",2025-01-05,\nB,x,\n', 4, "'x' is no day"),
        ('name,start,end\nA,2025-01-05,\n"B,2025-01-05,\n', 3, "unexpected end"),
    ],
)
def test_a_bad_row_is_named(tmp_path, text, line, why):
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=re.escape(f"{path}:{line}: ") + ".*" + re.escape(why)):
        own_events(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.csv cannot be read"):
        own_events(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="UTF-8"):
        own_events(written(tmp_path, "name,start,end\nGroße Aktion,2025-01-01,\n", "latin-1"))
