"""Whether a user will be active, and on how many days, as an LSTM tells it from the user's last active days.

It answers what the other models of ``foretide.users`` answer, from examples and feature tables with one column more:
the history of each user up to the cut-off, which ``sequence_windows.with_histories`` adds. It sees the days in their
order, the time between them and since the last, their events, value, hour and category, and beside them the covariates
of the logistic hurdle. Needs the extra ``neural``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl
from scipy.special import expit

from foretide.errors import UsageError
from foretide.forecast.lstm import weights_of
from foretide.users.activity import learnable
from foretide.users.contributions import Contributions, of_rates
from foretide.users.rates import Rates, expected_days
from foretide.users.sequence_file import Saved, read, written
from foretide.users.sequence_inputs import STATIC, Scales, outcomes
from foretide.users.sequence_network import Inputs, Network, Shape, built, told
from foretide.users.sequence_paths import path_integrals
from foretide.users.sequence_training import Seen, Training, trained
from foretide.users.sequence_windows import HISTORY, NUMBERS, WINDOW_DAYS

#: What is told of each day.
OF_DAYS = (*NUMBERS, "category")


@dataclass
class SequenceLSTM(Training):
    """Chance of no activity and expected active days of users, from their last active days.

    Where there are too few examples of either outcome (``activity.learnable``) no network is trained, and users get
    the rates of their stage. A horizon longer than the longest that was learnt is answered by carrying on the odds
    with the power of the horizon that each user has.

    Parameters
    ----------
    horizon_days
        The horizon to tell about.
    window_days
        The last so many active days are seen.
    units
        Width of the layers.
    steps, batch, learning_rate, weight_decay, dropout, patience, check_every, rng, progress
        As ``Training``.
    """

    needs: ClassVar[tuple[str, ...]] = (HISTORY,)

    horizon_days: int
    window_days: int = WINDOW_DAYS
    units: int = 32
    rates_: Rates | None = field(default=None, init=False, repr=False, compare=False)
    scales_: Scales | None = field(default=None, init=False, repr=False, compare=False)
    network_: Network | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, examples: pl.DataFrame) -> Self:
        """Learn from the rows of ``foretide.users.examples.examples``, at least one, with their histories.

        Raises
        ------
        UsageError
            If a history is missing.
        MissingExtraError
            If keras or its backend is not installed.
        """
        self.rates_, self.scales_, self.network_ = Rates().fit(examples), None, None
        if learnable(examples):
            rows = examples.sort("user_id", "as_of", "horizon_days")  # training must not depend on the order
            self.scales_ = Scales.of(rows, self.window_days)
            inputs = self.scales_.inputs(rows, self.window_days, self.horizon_days)
            self.network_ = trained(rows, Seen(inputs, outcomes(rows)), self._shape, self)
        return self

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive, expected_active_days`` of each row of a feature table with histories, in its order.

        Raises
        ------
        UsageError
            If a history is missing, or nothing was learnt.
        """
        if self.network_ is None or users.is_empty():
            p, filled = self._rates.predict(users, self.horizon_days)
        else:
            p, filled = expit(told(self.network_, self._inputs(users), self.batch)).T
        return pl.DataFrame({"p_inactive": p, "expected_active_days": expected_days(p, filled, self.horizon_days)})

    def coarse(self, users: pl.DataFrame) -> bool:
        """Tell whether users get the rates of their stage, as no network was trained."""
        return self.network_ is None and not users.is_empty()

    def contributions(self, users: pl.DataFrame) -> Contributions:
        """Return what each input adds to the log-odds of no activity, beside a user whose inputs are all average.

        The parts are ``OF_DAYS``, each summed over the days, and the covariates; they add up to the log-odds to within
        1e-3 (see ``sequence_paths``). They explain the model, not the user.

        Raises
        ------
        UsageError
            As ``predict``; or if the backend of keras is not JAX.
        """
        told = of_rates(self._rates, users, self.horizon_days, [*(f"day_{name}" for name in OF_DAYS), *STATIC])
        if self.network_ is not None and users.height:
            told.parts[:, :-1], told.base[:] = path_integrals(self.network_, self._inputs(users), self.batch)
            told.parts[:, -1] = 0.0
        return told

    def save(self, folder: Path) -> None:
        """Write the model: its weights as arrays, all else as JSON.

        Raises
        ------
        UsageError
            If nothing was learnt.
        """
        weights = None if self.network_ is None else weights_of(self.network_.whole)
        written(folder, Saved(self._parameters(), self._rates, self.scales_, weights))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return a model that was saved; it predicts without being trained again.

        Raises
        ------
        UsageError
            If the folder holds no such model.
        """
        saved = read(folder)
        model = cls(**saved.parameters)
        model.rates_, model.scales_ = saved.rates, saved.scales
        if saved.weights is not None:
            model.network_ = built(model._shape, model.dropout, model.rng)
            model.network_.whole.set_weights(saved.weights)
        return model

    @property
    def _rates(self) -> Rates:
        if self.rates_ is None:
            raise UsageError("SequenceLSTM has not learnt from anything; call fit first")
        return self.rates_

    @property
    def _shape(self) -> Shape:
        return Shape(self.window_days, self.units, len(STATIC))

    def _inputs(self, users: pl.DataFrame) -> Inputs:
        assert self.scales_ is not None
        asked = users.with_columns(horizon_days=pl.lit(self.horizon_days, pl.Int32))
        return self.scales_.inputs(asked, self.window_days, self.horizon_days)

    def _parameters(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init and f.name != "progress"}
