"""What importing foretide costs, and what the package promises about itself."""

import subprocess
import sys

import pytest

HEAVY = (
    "polars",
    "numpy",
    "numba",
    "sklearn",
    "scipy",
    "duckdb",
    "deltalake",
    "pyarrow",
    "altair",
    "keras",
    "rich",
)


@pytest.mark.parametrize("statement", ["import foretide", "import foretide.cli.commands"])
def test_nothing_heavy_is_loaded(statement):
    code = f"{statement}; import sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_a_workspace_loads_no_models():
    code = "from foretide import Workspace; import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    needed = {"polars", "numpy", "deltalake"}
    assert set(HEAVY) & set(loaded.stdout.split()) == needed


def test_an_unknown_name_is_an_attribute_error():
    import foretide

    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = foretide.no_such_thing


def test_the_workspace_is_one_import_away():
    from foretide import Workspace
    from foretide.workspace import Workspace as Home

    assert Workspace is Home
