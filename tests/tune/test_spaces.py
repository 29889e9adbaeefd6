"""Search spaces: their points lie in them, and the models take them."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.features.lifecycle import LifecycleRule
from foretide.tune.exam import exam
from foretide.tune.spaces import GRID_POINTS, SPACES, Choice, Range, drawn, edges, space_of
from foretide.users.models import USER_MODELS, user_model
from tune.visits import START, log

NUMBERS = [values for space in SPACES.values() for values in space.values() if isinstance(values, Range)]


@given(st.floats(0, 1), st.sampled_from(NUMBERS))
def test_numbers_lie_in_their_range(share, values):
    number = values.at(share)
    assert values.low <= number <= values.high
    assert isinstance(number, int) == values.whole


def test_a_grid_is_even_on_its_scale():
    assert Range(0.01, 10.0, log=True).grid() == pytest.approx([0.01, 0.1, 1.0, 10.0])
    assert Range(0.0, 3.0).grid() == [0.0, 1.0, 2.0, 3.0]
    assert Range(1, 2, whole=True).grid() == [1, 2]
    assert all(len(values.grid()) == GRID_POINTS for values in NUMBERS)


def test_the_ends_of_a_range_are_its_edge():
    space = {"c": Range(1e-4, 1e4, log=True), "leaf": Range(2, 200, whole=True), "kind": Choice(("x", "y"))}
    assert edges(space, {"c": 9990.0, "leaf": 100, "kind": "x"}) == ["c"]
    assert edges(space, {"c": 5000.0, "leaf": 2, "kind": "y"}) == ["leaf"]
    assert edges(space, {}) == []


@given(st.floats(0, 1))
def test_a_choice_gives_one_of_its_options(share):
    assert Choice(("a", "b", "c")).at(share) in "abc"


def test_a_model_without_a_space_is_refused():
    with pytest.raises(UsageError, match="oracle"):
        space_of("oracle")
    assert SPACES.keys() <= USER_MODELS.keys()


@pytest.fixture(scope="module")
def asked():
    return exam(log(), START + timedelta(days=120), 14, LifecycleRule())


@pytest.mark.parametrize("model", [name for name in SPACES if name != "lstm"])
def test_every_model_takes_its_settings(asked, model):
    point = drawn(SPACES[model], np.random.default_rng(1))
    loss = asked.loss(2, model, point)
    assert 0 < loss < 2
    assert loss != asked.loss(2, model, {})


def test_the_network_has_the_settings_of_its_space():
    for grid in ({name: values.grid()[0] for name, values in SPACES["lstm"].items()}, {}):
        made = user_model("lstm", 14, **grid)
        assert all(getattr(made, name) == value for name, value in grid.items())
