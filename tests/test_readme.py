"""The Python of the README runs as it stands."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_runs(simulation, tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    simulation.events.write_parquet("events.parquet")
    exec(compile(code, "README.md", "exec"), {})
    assert Path("report.html").stat().st_size > 100_000
