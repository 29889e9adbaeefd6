"""Importing through the command line: good files, broken files, and what is said about them."""

import gzip
import json
import re

import pytest

CSV = """CustomerID,InvoiceDate,StockCode,amount,country
17850,2026-01-01T08:26:00Z,85123A,15.3,UK
17850,2026-01-01T08:26:00Z,85123A,15.3,UK
13047,2026-01-02T09:00:00+01:00,22423,,DE
"""


@pytest.fixture
def place(foretide, tmp_path):
    folder = tmp_path / "place"
    assert foretide("init", folder).code == 0
    return folder


def counts(text):
    """Return read, stored, duplicate, quarantined of the last account printed."""
    line = re.findall(r"read ([\d,]+) = stored ([\d,]+) \+ duplicate ([\d,]+) \+ quarantined ([\d,]+)", text)[-1]
    return tuple(int(figure.replace(",", "")) for figure in line)


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_two_identical_lines_are_two_events_and_again_nothing_new(foretide, place, tmp_path):
    path = write(tmp_path, "orders.csv", CSV)
    first = foretide("import", path, "-w", place)
    assert (first.code, counts(first.out)) == (0, (3, 3, 0, 0))
    assert counts(foretide("import", path, "-w", place).out) == (3, 0, 3, 0)


def test_the_same_events_in_other_formats_are_duplicates(foretide, place, tmp_path):
    foretide("import", write(tmp_path, "orders.csv", CSV), "-w", place)
    tsv = write(tmp_path, "orders.tsv", CSV.replace(",", "\t"))
    zipped = write(tmp_path, "orders.csv.gz", gzip.compress(CSV.encode()))
    assert counts(foretide("import", tsv, "-w", place).out) == (3, 0, 3, 0)
    assert counts(foretide("import", zipped, "-w", place).out) == (3, 0, 3, 0)


def test_a_workspace_without_events_is_told_how_to_get_some(foretide, place):
    assert "foretide import FILE" in foretide("check", "-w", place).err


def test_a_file_of_bad_rows_only_says_in_words_what_is_wrong(foretide, place, tmp_path):
    rows = CSV.splitlines()[0] + "\n17850,2026-01-03T00:00:00Z,1,NaN,UK\n17850,2031-01-03T00:00:00Z,1,1,UK\n"
    told = foretide("import", write(tmp_path, "orders.csv", rows), "-w", place, "--lang", "zh")
    assert told.code == 3
    assert "NaN" in told.err
    assert "1: the time lies in the future" in told.err


def test_bad_rows_are_kept_with_their_reason(foretide, place, tmp_path):
    rows = CSV + ",2026-01-03T00:00:00Z,1,1,UK\n17850,soon,1,1,UK\n17850,2026-01-03T00:00:00Z,1,inf,UK\n"
    told = foretide("import", write(tmp_path, "orders.csv", rows), "-w", place)
    assert counts(told.out) == (6, 3, 0, 3)
    kept = json.loads(foretide("quarantine", "-w", place, "--format", "json").out)
    assert sorted(row["reason"] for row in kept) == ["bad_ts", "bad_value", "no_user"]
    assert all(row["source"] == "orders.csv" for row in kept)
    exported = tmp_path / "bad.parquet"
    assert foretide("quarantine", "-w", place, "-o", exported).code == 0
    assert exported.exists()


NAIVE = "user,time\nu1,2026-01-01 10:00:00\n"


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("empty.csv", "", 3, "empty"),
        ("header.csv", "user_id,ts\n", 3, "header.csv"),
        ("no_user.csv", "ts,item\n2026-01-01T00:00:00Z,1\n", 2, "--map"),
        ("all_bad.csv", "user_id,ts\nu1,soon\nu2,later\n", 3, "all_bad.csv"),
        ("binary.csv", bytes(range(256)) * 20, 3, "binary.csv"),
        ("naive.csv", NAIVE, 2, "--timezone"),
        ("ambiguous.csv", "user,time\nu1,01/02/2026\nu2,03/04/2026\n", 2, "--date-order"),
        ("cut.parquet", b"PAR1garbage", 3, "cut.parquet"),
        ("cut.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:-12], 3, "cut.csv.gz"),
    ],
)
def test_a_file_that_cannot_be_used_gets_one_sentence(foretide, place, tmp_path, name, content, code, words):
    told = foretide("import", write(tmp_path, name, content), "-w", place)
    assert told.code == code
    assert words in told.err
    assert told.err.strip().count("\n") == 0
    assert "Traceback" not in told.err


def test_a_missing_file_is_named(foretide, place, tmp_path):
    told = foretide("import", tmp_path / "nowhere.csv", "-w", place)
    assert told.code in {2, 3}
    assert "nowhere.csv" in told.err


def test_a_zone_for_naive_times(foretide, place, tmp_path):
    path = write(tmp_path, "naive.csv", NAIVE)
    assert counts(foretide("import", path, "-w", place, "--timezone", "Asia/Shanghai").out) == (1, 1, 0, 0)
    stages = json.loads(foretide("stages", "-w", place, "--format", "json", "--as-of", "2026-01-02").out)
    assert [(row["user_id"], row["stage"]) for row in stages] == [("u1", "new")]


def test_a_dry_run_stores_nothing(foretide, place, tmp_path):
    told = foretide("import", write(tmp_path, "orders.csv", CSV), "-w", place, "--dry-run")
    assert told.code == 0
    assert "CustomerID" in told.out
    assert "no events" in foretide("forecast", "events", "-w", place).err


def test_a_dry_run_refuses_another_encoding_too(foretide, place, tmp_path):
    path = write(tmp_path, "orders.csv", CSV.replace("UK", "M\u00fcnchen").encode("cp1252"))
    for more in ([], ["--dry-run"]):
        told = foretide("import", path, "-w", place, *more)
        assert (told.code, told.out) == (3, "")
        assert "--encoding cp1252" in told.err
    assert counts(foretide("import", path, "-w", place, "--encoding", "cp1252").out) == (3, 3, 0, 0)


def test_a_column_can_be_corrected(foretide, place, tmp_path):
    path = write(tmp_path, "odd.csv", "who,when,other\nu1,2026-01-01T00:00:00Z,x\n")
    assert foretide("import", path, "-w", place).code == 2
    told = foretide("import", path, "-w", place, "--map", "user_id=who", "--map", "ts=when")
    assert counts(told.out) == (1, 1, 0, 0)


def test_an_unknown_name_is_refused_and_a_name_of_ones_own_is_said_to_be_one(foretide, place, tmp_path):
    path = write(tmp_path, "orders.csv", CSV)
    told = foretide("import", path, "-w", place, "--map", "usr_id=CustomerID")
    assert told.code == 2
    assert "'usr_id' is not one of user_id, ts, item_id" in told.err
    assert "--map property.usr_id=CustomerID" in told.err
    shown = foretide("import", path, "-w", place, "--dry-run", "--map", "property.land=country")
    assert shown.code == 0
    assert re.search(r"^land +country", shown.out, re.MULTILINE)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_name_that_is_there_twice_is_told(foretide, place, tmp_path, lang):
    told = foretide(
        "import", write(tmp_path, "x.csv", "user,ts,tag,tag\nu,1767261600,a,b\n"), "-w", place, "--lang", lang
    )
    assert re.search(r"^tag_2 +tag_2", told.out, re.MULTILINE)
    assert len(re.findall(r"tag_2[。.]", told.out)) == 1
    once = foretide("import", write(tmp_path, "y.csv", "user,ts,,tag\nu,1767261600,a,b\n"), "-w", place, "--lang", lang)
    assert not re.search(r"tag_2[。.]|column_3[。.]", once.out)


def test_a_folder_that_is_no_workspace(foretide, tmp_path):
    told = foretide("check", "-w", tmp_path)
    assert told.code == 2
    assert "foretide init" in told.err


def test_a_workspace_is_made_once(foretide, place):
    told = foretide("init", place)
    assert told.code == 2
    assert "already" in told.err


def test_an_aggregated_file_is_forecast_at_once(foretide, place, tmp_path):
    days = [f"2026-{1 + day // 28:02}-{1 + day % 28:02},{50 + 10 * (day % 7)}" for day in range(84)]
    path = write(tmp_path, "user_behavior.csv", "date,count\n" + "\n".join(days) + "\n")
    assert foretide("import", path, "-w", place).code == 0
    rows = json.loads(foretide("forecast", "-w", place, "--format", "json", "-h", "7").out)
    assert len(rows) == 7
    assert all(row["lo-95"] <= row["lo-80"] <= row["median"] <= row["hi-80"] <= row["hi-95"] for row in rows)
