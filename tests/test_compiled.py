import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from foretide import compiled

SRC = Path(compiled.__file__).parent
KERNELS = sorted(
    ".".join(("foretide", *path.relative_to(SRC).with_suffix("").parts))
    for path in SRC.rglob("*.py")
    if "from foretide.compiled import" in path.read_text()
)
NEAR = """
from foretide.compiled import njit
FACTOR = 10

@njit
def scaled(x):
    return FACTOR * x
"""
FAR = """
from foretide.compiled import njit
from foretide.near import scaled

@njit
def answer(x):
    return scaled(x) + 1
"""
ASK = "from foretide.far import answer; print(answer(4), sum(answer.stats.cache_hits.values()))"

SMOOTHED = """
import numpy as np
from foretide.forecast.smoothing import grid, smooth
y = np.random.default_rng(0).lognormal(size=(20, 200))
print(smooth(y, [200], 28, 7, grid())[0].tobytes().hex(), 0)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of this name: the real compiled.py, and a kernel that uses another file's."""
    folder = tmp_path / "foretide"
    folder.mkdir()
    shutil.copy(SRC / "compiled.py", folder)
    for name, text in (("__init__", ""), ("near", NEAR), ("far", FAR)):
        (folder / f"{name}.py").write_text(text)
    return folder


def start(package: Path, code: str = ASK, **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=clean | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ask(package: Path, code: str = ASK, **environment: str) -> tuple[str, str]:
    """Return "answer hits" of a new process, and what it warned of."""
    out, err = start(package, code, **environment).communicate(timeout=120)
    return out.strip(), err


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.nb[ci]"))


def test_a_kernel_is_kept_until_a_file_it_uses_changes(package: Path) -> None:
    assert ask(package) == ("41 0", "")
    assert ask(package) == ("41 1", "")
    edit(package / "near.py", "FACTOR * x", "FACTOR * x * 2")
    assert ask(package) == ("81 0", "")
    edit(package / "near.py", "FACTOR = 10", "FACTOR = 20")
    assert ask(package) == ("161 0", "")


def test_later_versions_write_over_the_earlier(package: Path) -> None:
    ask(package)
    before = kept(package)
    edit(package / "far.py", "@njit", "# a line more\n@njit")
    edit(package / "near.py", "FACTOR = 10", "# a line more\nFACTOR = 20")
    assert ask(package) == ("81 0", "")
    assert len(before) == 4
    assert kept(package) == before


def test_a_chosen_folder_is_used(package: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    ask(package, NUMBA_CACHE_DIR=str(chosen))
    assert len(kept(chosen)) == 4
    assert kept(package) == []
    assert ask(package, NUMBA_CACHE_DIR=str(chosen)) == ("41 1", "")


def test_an_install_that_cannot_be_written_to_uses_the_home(package: Path, tmp_path: Path) -> None:
    (package / "__pycache__").write_text("no folder")
    assert ask(package, XDG_CACHE_HOME=str(tmp_path / "home")) == ("41 0", "")
    assert ask(package, XDG_CACHE_HOME=str(tmp_path / "home")) == ("41 1", "")


def test_without_any_folder_the_answer_is_right_and_the_reason_told_once(package: Path) -> None:
    (package / "__pycache__").write_text("no folder")
    answer, warned = ask(package, XDG_CACHE_HOME="/dev/null", HOME="/dev/null")
    assert answer == "41 0"
    assert warned.count("RuntimeWarning: kernels are compiled anew in each process; set NUMBA_CACHE_DIR") == 1


def test_python_can_run_the_kernels(package: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from foretide.far import answer; print(answer(4), type(answer).__name__)"],
        env=os.environ | {"PYTHONPATH": str(package.parent), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "41 function"


def test_the_process_that_compiles_sums_as_those_after_it_do(package: Path) -> None:
    shutil.rmtree(package)
    shutil.copytree(SRC, package, ignore=shutil.ignore_patterns("__pycache__"))
    cold, warm = (ask(package, code=SMOOTHED) for _ in range(2))
    assert cold == warm


def test_processes_that_start_together_all_answer(package: Path) -> None:
    started = [start(package) for _ in range(3)]
    assert [each.communicate(timeout=120)[0].split()[0] for each in started] == ["41"] * 3
    assert ask(package) == ("41 1", "")


@pytest.mark.parametrize("name", KERNELS)
def test_a_stamp_reaches_all_that_a_kernel_can_see(name: str) -> None:
    module = import_module(name)
    seen = {getattr(value, "__module__", None) or "" for value in vars(module).values()}
    seen |= {value.__name__ for value in vars(module).values() if isinstance(value, type(module))}
    assert {other for other in seen if re.match(r"foretide\b", other)} <= compiled._reached(name)
