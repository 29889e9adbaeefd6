"""NHITS of neuralforecast: one network for all series, all steps ahead at once."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MAE
from neuralforecast.models import NHITS
from tables import FREQUENCIES, by_series, long_table

#: Chosen on the origins before the test.
LOG = False
MAX_STEPS = 300
INPUT_HORIZONS = 4
WINDOWS_A_STEP = 256
QUIET = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False, "enable_model_summary": False}


def ahead(past: Sequence[np.ndarray], h: int, m: int, log: bool = LOG, max_steps: int = MAX_STEPS) -> np.ndarray:
    """Return forecasts, ``(n_series, h)``, from windows of four horizons, each scaled by its median and spread."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    model = NHITS(
        h,
        INPUT_HORIZONS * h,
        loss=MAE(),
        max_steps=max_steps,
        windows_batch_size=WINDOWS_A_STEP,
        scaler_type="robust",
        start_padding_enabled=True,
        accelerator="cpu",
        **QUIET,
    )
    learner = NeuralForecast([model], freq=FREQUENCIES[m])
    learner.fit(long_table([np.log1p(y) if log else y for y in past], m))
    told = by_series(learner.predict(), "NHITS")
    return np.expm1(told) if log else told


MODELS = {"NHITS": ahead}
