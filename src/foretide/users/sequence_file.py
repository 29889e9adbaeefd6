"""A trained network over users' days as a folder: weights as arrays, all else as JSON; nothing in it is executed."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import UsageError
from foretide.users.rates import Rates
from foretide.users.sequence_inputs import STATIC, Scale, Scales

ARRAYS_FILE = "weights.npz"
TOLD_FILE = "network.json"
KIND = "SequenceLSTM"
SCALES = ("numbers_mean", "numbers_spread", "static_mean", "static_spread")


class Saved(NamedTuple):
    """What is kept of a model; scales and weights are None where it has only the rates of stages."""

    parameters: dict[str, Any]
    rates: Rates
    scales: Scales | None
    weights: list[NDArray[np.float32]] | None


def written(folder: Path, model: Saved) -> None:
    """Write a model to a folder, which is made if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"kind": KIND, "parameters": model.parameters, "covariates": STATIC}
    told["rates"] = {
        "days": model.rates.days_,
        "population": model.rates.population_,
        "groups": model.rates.table_.to_dicts(),
    }
    told["last"] = None if model.scales is None else model.scales.last.isoformat()
    arrays = {} if model.scales is None else arrays_of(model.scales)
    np.savez(folder / ARRAYS_FILE, **arrays, **{f"weight_{i}": w for i, w in enumerate(model.weights or [])})  # type: ignore[arg-type]
    (folder / TOLD_FILE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def arrays_of(scales: Scales) -> dict[str, NDArray[np.float64]]:
    """Return the scales by name."""
    parts = (scales.numbers.mean, scales.numbers.spread, scales.static.mean, scales.static.spread)
    return dict(zip(SCALES, parts, strict=True))


def read(folder: Path) -> Saved:
    """Return what was written to a folder.

    Raises
    ------
    UsageError
        If it holds no such model, or one of other covariates.
    """
    path = folder / TOLD_FILE
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if told.get("kind") != KIND:
        raise UsageError(f"{folder} holds no {KIND}; give the folder that one was saved to")
    if tuple(told["covariates"]) != STATIC:
        raise UsageError(f"{folder} was trained on other covariates than this version has; train it again")
    rates = Rates()
    rates.days_, rates.population_ = told["rates"]["days"], tuple(told["rates"]["population"])
    groups = {"group": pl.String(), "p": pl.Float64(), "fill": pl.Float64()}
    rates.table_ = pl.DataFrame(told["rates"]["groups"], schema=groups)
    if told["last"] is None:
        return Saved(told["parameters"], rates, None, None)
    with np.load(folder / ARRAYS_FILE, allow_pickle=False) as arrays:
        mean, spread, static_mean, static_spread = (arrays[name] for name in SCALES)
        weights = [arrays[f"weight_{i}"] for i in range(len(arrays.files) - len(SCALES))]
    last = datetime.fromisoformat(told["last"])
    return Saved(
        told["parameters"], rates, Scales(last, Scale(mean, spread), Scale(static_mean, static_spread)), weights
    )
