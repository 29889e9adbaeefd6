"""Training stops when the validation days gain no more, and the best weights are kept; no network is needed for it."""

import numpy as np
import pytest

from foretide.forecast.neural_training import QUANTILES, Training, train
from foretide.forecast.neural_windows import Layout


class Climber:
    """Says the first guess and one weight more; each training step adds a tenth to the weight."""

    def __init__(self, weight):
        self.weight, self.steps = weight, 0

    def predict_on_batch(self, inputs):
        return np.repeat(inputs["base"] + self.weight, len(QUANTILES), axis=-1)

    def train_on_batch(self, inputs, target, sample_weight):
        self.weight += 0.1
        self.steps += 1

    def set_weights(self, weights):
        (self.weight,) = weights


def trained(weight, **how):
    climber = Climber(weight)
    z = np.full((3, 60), 2.0)
    train(climber, z, Layout(14, 7, 5, yearly=False), Training(**how, check_every=1), lambda one: [one.weight])
    return climber


def test_training_stops_after_checks_without_a_gain_and_keeps_the_best_weights():
    climber = trained(-0.3, patience=4)
    assert climber.weight == pytest.approx(0.0, abs=1e-9)
    assert climber.steps == 3 + 4


def test_training_that_never_helps_is_thrown_away():
    climber = trained(0.2, patience=2)
    assert climber.weight == 0.2
    assert climber.steps == 2


def test_each_check_is_told():
    told = []
    trained(-0.5, steps=3, progress=lambda *check: told.append(check))
    assert [check[:2] for check in told] == [(1, 3), (2, 3), (3, 3)]
    losses = [check[2] for check in told]
    assert losses == sorted(losses, reverse=True)
