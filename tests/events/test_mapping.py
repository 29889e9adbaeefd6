"""Columns are recognised by name and content, the user has the last word, and no time is guessed."""

import polars as pl
import pytest

from foretide.errors import MappingError
from foretide.events.column_names import name_score, tokens
from foretide.events.mapping import guess
from foretide.text import speaking

Z = "2026-01-02T10:00:00Z"


def columns(**names):
    """Return what columns with these contents are taken for."""
    return guess(pl.DataFrame({name: [text] for name, text in names.items()}), source="x.csv")


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (
            "user_id",
            "user_id userId uid CustomerID customer account visitor household_id member 用户ID 用户编号",
        ),
        ("item_id", "item_id product sku StockCode movieId video article_id content 商品 商品ID"),
        (
            "ts",
            "timestamp time event_time InvoiceDate created_at date transaction_timestamp 时间 下单时间",
        ),
        ("event_type", "event action behaviour behavior_type type event_type 行为 行为类型"),
        ("value", "amount price rating sales_value quantity TX_AMOUNT UnitPrice 金额"),
        ("session_id", "session basket_id order_id InvoiceNo user_session 订单"),
        ("category", "category genre department product_category 类别"),
        ("user_id", "Kundennummer Kunden-Nr KundenID Kunde Benutzer Nutzer_ID"),
        ("item_id", "Artikelnummer Artikel-Nr. Artikel ProduktID"),
        ("ts", "Bestelldatum Zeitstempel Zeitpunkt Datum Lieferdatum"),
        ("event_type", "Aktion Ereignistyp"),
        ("value", "Betrag Gesamtbetrag Umsatz Menge Preis"),
        ("session_id", "Bestellnummer Rechnungsnummer Warenkorb"),
        ("category", "Kategorie Hauptkategorie Warengruppe"),
    ],
)
def test_names_that_people_use(target, names):
    targets = ("user_id", "item_id", "ts", "event_type", "value", "session_id", "category")
    for name in names.split():
        scores = {other: name_score(other, name) for other in targets}
        assert max(scores, key=scores.get) == target, (name, scores)
        assert scores[target] > 0.6


def test_names_are_taken_apart():
    assert tokens("userId") == tokens("User ID") == tokens("user_id") == tokens("USER-ID") == ("user", "id")
    assert tokens("用户ID") == ("用户", "id")


@pytest.mark.parametrize(
    "name", ["propensity", "Propensity Score", "score", "churn_probability", "prob", "purchase_likelihood_value"]
)
def test_what_a_model_reckoned_is_no_value(name):
    mapping = columns(user="u", ts=Z, **{name: "0.4"})
    assert "value" not in mapping.columns
    assert name in mapping.properties
    given = guess(pl.DataFrame({"user": ["u"], "ts": [Z], name: ["0.4"]}), source="x", corrections={"value": name})
    assert given.columns["value"] == name


def test_a_german_export():
    mapping = columns(
        Kundennummer="900", Bestelldatum="31.12.2026 10:00+01:00", Artikelnummer="7", Kategorie="Tee", Aktion="Kauf",
        Betrag="12,50", Menge="2",
    )  # fmt: skip
    assert mapping.kind == "events"
    assert mapping.columns == {
        "user_id": "Kundennummer", "ts": "Bestelldatum", "item_id": "Artikelnummer", "event_type": "Aktion",
        "value": "Betrag", "category": "Kategorie",
    }  # fmt: skip
    assert mapping.properties == ("Menge",)
    assert columns(Kundennummer="900", Zeitstempel=Z).kind == "events"


@pytest.mark.parametrize(
    "name", ["users", "Kunden", "Kundenname", "customer_name", "product_name", "week", "retail_disc", "country"]
)
def test_names_that_only_resemble(name):
    assert not any(name_score(target, name) for target in ("user_id", "item_id", "ts", "event_type"))


def test_the_grocery_columns():
    mapping = columns(
        household_id="900",
        store_id="330",
        basket_id="31198570044",
        product_id="1095275",
        quantity="1",
        sales_value="0.5",
        week="1",
        transaction_timestamp=Z,
    )
    assert mapping.kind == "events"
    assert mapping.columns == {
        "user_id": "household_id",
        "ts": "transaction_timestamp",
        "item_id": "product_id",
        "value": "sales_value",
        "session_id": "basket_id",
    }
    assert mapping.properties == ("store_id", "quantity", "week")
    assert mapping.constants == {"event_type": "event"}


def test_a_rating_makes_rating_events():
    assert columns(userId="1", movieId="2", rating="4.5", timestamp="1483228800").constants == {"event_type": "rating"}


def test_content_decides_between_two_times():
    mapping = columns(user="u", time="morning", date="2026-01-02T10:00:00Z")
    assert mapping.columns["ts"] == "date"
    assert "time" in mapping.properties


def test_a_time_with_a_strange_name_is_found_by_its_content():
    mapping = columns(user="u", moment=Z, action="buy")
    assert mapping.columns["ts"] == "moment"
    assert mapping.how["ts"] == "content"
    assert mapping.confidence["ts"] < mapping.confidence["user_id"]


def test_an_id_has_no_fractions():
    assert (
        "user_id"
        not in guess(
            pl.DataFrame({"account": ["10.5", "3.25"], "uid": ["1", "2"], "ts": [Z, Z]}), source="x"
        ).properties
    )


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("events", {"user": "u", "time": Z}),
        ("events", {"CustomerID": "1", "InvoiceDate": Z, "StockCode": "85123A"}),
        ("items", {"item_id": "1", "title": "x", "genres": "a|b", "price": "1"}),
        ("items", {"movieId": "1", "title": "x", "release_date": Z}),
        ("users", {"user_id": "1", "age": "3"}),
        ("users", {"user_id": "1", "country": "UK", "signup_date": "2026-01-02"}),
        ("series", {"date": "2026-01-02", "count": "5"}),
        ("series", {"unique_id": "a", "ds": "2026-01-02", "y": "5", "holiday": "no"}),
        ("series", {"series_id": "a", "timestamp": Z, "value": "5"}),
        ("series", {"date": "2026-01-02", "users": "5"}),
    ],
)
def test_the_kind_of_a_source(kind, names):
    assert columns(**names).kind == kind


def test_corrections_win_name_and_drop():
    sample = pl.DataFrame({"uid": ["1"], "who": ["2"], "ts": [Z], "Land": ["UK"], "price": ["3"], "amount": ["4"]})
    corrections = {"user_id": "who", "country": "Land", "price": "", "value": ""}
    mapping = guess(sample, source="x.csv", corrections=corrections)
    assert mapping.columns == {"user_id": "who", "ts": "ts", "country": "Land"}
    assert mapping.confidence["user_id"] == 1
    assert set(mapping.properties) == {"uid", "amount", "country"}
    assert mapping.dropped == ("price",)
    assert mapping.property_columns([*sample.columns, "late"]) == {
        "uid": "uid",
        "amount": "amount",
        "country": "Land",
        "late": "late",
    }


def test_a_given_event_type_is_that_of_every_event():
    sample = pl.DataFrame({"user": ["1"], "ts": [Z], "event_type": ["x"]})
    mapping = guess(sample, source="x", event_type="purchase")
    assert mapping.constants == {"event_type": "purchase"}
    assert mapping.properties == ("source_event_type",)


def test_an_event_type_says_that_a_source_holds_events():
    survey = pl.DataFrame({"respondent": ["1", "2"], "submitted": [Z, Z], "age": ["30", "40"], "q1": ["5", "4"]})
    assert guess(survey, source="x").kind == "users"
    mapping = guess(survey, source="x", event_type="survey")
    assert (mapping.kind, mapping.columns["ts"]) == ("events", "submitted")
    assert mapping.constants == {"event_type": "survey"}
    with pytest.raises(MappingError, match="--map ts=COLUMN"):
        guess(survey.drop("submitted"), source="x", event_type="survey")


def test_a_reserved_name_is_not_a_property():
    sample = pl.DataFrame({"user": ["1"], "ts": [Z], "category": ["a"], "genre": ["b"], "hash": ["h"]})
    mapping = guess(sample, source="x", corrections={"category": "genre"})
    assert mapping.columns["source_category"] == "category"
    assert set(mapping.properties) == {"source_category", "source_hash"}


@pytest.mark.parametrize(
    ("names", "how", "words"),
    [
        ({"ts": Z, "item": "1"}, {}, ["x.csv", "user_id", "--map user_id=COLUMN", "ts, item"]),
        ({"user": "1", "x": "y"}, {"kind": "events"}, ["x.csv", "--map ts=COLUMN"]),
        ({"user": "1", "ts": Z}, {"corrections": {"ts": "when"}}, ["--map ts=when", "user, ts"]),
        ({"a": "1", "b": Z}, {"corrections": {"ts": "x", "user_id": "y"}}, ["--map ts=x --map user_id=y", "a, b"]),
        ({"a": "?", "b": "?"}, {}, ["user_id or as ts", "--map user_id=COLUMN --map ts=COLUMN"]),
        ({"user": "1", "ts": "2026-01-02 10:00"}, {}, ["x.csv", "'ts'", "--timezone"]),
        ({"user": "1", "ts": "1/2/2026"}, {"timezone": "UTC"}, ["'1/2/2026'", "--date-order"]),
        ({"user": "1", "ts": "1/2/2026"}, {}, ["'1/2/2026'", "--date-order", "--timezone"]),
        ({"user": "1", "ts": Z}, {"timezone": "Mars/Olympus"}, ["Mars/Olympus", "--timezone"]),
        ({"user": "1", "ts": Z}, {"date_order": "myd"}, ["myd", "--date-order"]),
        ({"user": "1", "ts": Z}, {"kind": "logs"}, ["logs", "--as"]),
    ],
)
def test_what_is_missing_or_open_is_asked_for(names, how, words):
    with pytest.raises(MappingError) as caught:
        guess(pl.DataFrame({name: [text] for name, text in names.items()}), source="x.csv", **how)
    assert all(word in str(caught.value) for word in words)


def test_the_order_of_dates_is_known_from_evidence_only():
    dates = ["1/2/2026", "13/2/2026"]
    sample = pl.DataFrame({"user": ["1", "2"], "ts": dates})
    assert guess(sample, source="x", timezone="UTC").date_order == "dmy"
    both = pl.DataFrame({"user": ["1", "2"], "ts": ["2/13/2026", "13/2/2026"]})
    with pytest.raises(MappingError, match=r"'13/2/2026' and '2/13/2026'.*contradict"):
        guess(both, source="x", timezone="UTC")


def test_days_that_repeat_are_said_to_be_added_up():
    sample = pl.DataFrame({"date": ["2026-01-02 10:00", "2026-01-02 11:00"], "count": ["1", "2"]})
    assert guess(sample, source="x").how["y"] == "summed"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_mapping_is_shown_in_words(lang):
    sample = pl.DataFrame({"user": ["1"], "ts": [Z], "Land": ["UK"], "x": ["y"]})
    with speaking(lang):
        frame = guess(sample, source="x", corrections={"country": "Land", "x": ""}).to_frame()
    assert frame.select("target", "column").rows() == [
        ("user_id", "user"),
        ("ts", "ts"),
        ("event_type", "= event"),
        ("country", "Land"),
        ("-", "x"),
    ]
