"""The Python of the README and of the docs runs as it stands."""

import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl

README = Path(__file__).parents[1] / "README.md"


def test_the_example_runs(simulation, tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    simulation.events.write_parquet("events.parquet")
    exec(compile(code, "README.md", "exec"), {})
    assert Path("report.html").stat().st_size > 100_000


def test_the_examples_of_the_features_run(shop, monkeypatch):
    monkeypatch.chdir(shop.parent)
    code = "\n".join(
        re.findall(r"```python\n(.*?)```", (README.parent / "docs/features.md").read_text("utf-8"), re.DOTALL)
    )
    told = {}
    exec(compile(code.replace('"shop"', repr(shop.name)), "features.md", "exec"), told)
    assert {"big_purchases", "days_since_big"} <= set(told["table"].columns)
    assert told["live"].table(told["shop"].moment(), ["u1"])["n_events"].to_list() in ([], [1.0])


def test_the_example_of_forecasting_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(60)]
    pl.DataFrame({"unique_id": "a", "ds": days, "y": range(60)}).write_parquet("series.parquet")
    page = (README.parent / "docs/forecasting.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    told = {}
    exec(compile(code, "forecasting.md", "exec"), told)
    assert told["told"].frame.height == 28
