"""The learners that tell chances and shares, untrained, with settings that suit noisy targets.

Whether a user comes back is mostly luck, so all of them are held back: large leaves, strong penalties, early stops.

References
----------
Ke et al. (2017), LightGBM, NIPS. Breiman (2001), Random forests, Machine Learning 45. Platt (1999), Probabilistic
outputs for support vector machines, Advances in Large Margin Classifiers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretide.errors import UsageError
from foretide.schema import Floats

#: Rows of one leaf of a single tree, of a tree in a forest, and of a boosted one.
TREE_LEAF, FOREST_LEAF, BOOSTED_LEAF = 200, 30, 100
#: Features that vary less are left out where features are standardised.
LEAST_VARIANCE = 1e-8
#: Inverse squared width of the Gaussian kernel, of standardised inputs.
SVM_GAMMA = 0.003
#: Networks stop on rows held out: more than a few rounds fit the noise.
NETWORK = {
    "hidden_layer_sizes": (32, 16),
    "alpha": 1.0,
    "batch_size": 128,
    "early_stopping": True,
    "max_iter": 200,
}


class Learner(NamedTuple):
    """What makes the two parts of a model, given a seed, and how many rows they are shown at most."""

    of_chance: Callable[[int], Any]
    of_share: Callable[[int], Any]
    most_rows: int


def boosted(objective: str, seed: int) -> Any:
    """Make boosted trees with few leaves; the objective ``cross_entropy`` takes shares."""
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        objective=objective,
        n_estimators=120,
        learning_rate=0.06,
        num_leaves=15,
        min_child_samples=BOOSTED_LEAF,
        subsample=0.7,
        subsample_freq=1,
        colsample_bytree=0.5,
        reg_lambda=10.0,
        n_jobs=1,
        random_state=seed,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


def tree(seed: int) -> Any:
    """Make a single decision tree; the mean of a large leaf is a chance as much as a share."""
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(min_samples_leaf=TREE_LEAF, random_state=seed)


def forest(seed: int) -> Any:
    """Make a random forest of means."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(
        100, min_samples_leaf=FOREST_LEAF, max_features=0.3, max_samples=0.3, n_jobs=1, random_state=seed
    )


def network(seed: int) -> Any:
    """Make a network of two layers for the chance."""
    from sklearn.neural_network import MLPClassifier

    return standardised(MLPClassifier(**NETWORK, random_state=seed))


def network_of_shares(seed: int) -> Any:
    """Make the same network for shares."""
    from sklearn.neural_network import MLPRegressor

    return standardised(MLPRegressor(**NETWORK, random_state=seed))


def support_vectors(seed: int) -> Any:  # noqa: ARG001 there is nothing random in it
    """Make support vectors with a Gaussian kernel, their distances turned into chances on rows held out."""
    from sklearn.svm import SVC

    return standardised(calibrated(SVC(C=0.5, gamma=SVM_GAMMA, class_weight="balanced")))


def support_vectors_of_shares(seed: int) -> Any:  # noqa: ARG001 there is nothing random in it
    """Make support vectors with a Gaussian kernel for shares."""
    from sklearn.svm import SVR

    return standardised(SVR(C=0.3, gamma=SVM_GAMMA, epsilon=0.02))


def linear_support_vectors(seed: int) -> Any:
    """Make a separating plane, distances to it turned into chances on rows held out."""
    from sklearn.svm import LinearSVC

    return standardised(calibrated(LinearSVC(C=0.01, dual=False, class_weight="balanced", random_state=seed)))


def ridge(seed: int) -> Any:  # noqa: ARG001 there is nothing random in it
    """Make a linear regression with a penalty."""
    from sklearn.linear_model import Ridge

    return standardised(Ridge(alpha=10.0))


def calibrated(classifier: Any) -> Any:
    """Follow a classifier by Platt's sigmoid, learnt from thirds of the rows that were held out."""
    from sklearn.calibration import CalibratedClassifierCV

    return CalibratedClassifierCV(classifier, method="sigmoid", cv=3, ensemble=False)


def standardised(estimator: Any) -> Any:
    """Put an estimator behind what it needs of its inputs: no gaps, no long tails, one scale, nothing constant."""
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    gaps = SimpleImputer(strategy="constant", fill_value=0.0, add_indicator=True, keep_empty_features=True)
    varying = VarianceThreshold(LEAST_VARIANCE)  # what is constant but for rounding must not be blown up
    return make_pipeline(FunctionTransformer(signed_log), gaps, varying, StandardScaler(), estimator)


def configured(estimator: Any, settings: Mapping[str, Any]) -> Any:
    """Change parameters of an estimator, or of the one inside a pipeline that has them.

    Raises
    ------
    UsageError
        If it has no such parameter.
    """
    for name, value in settings.items():
        places = [place for place in estimator.get_params() if place.rpartition("__")[2] == name]
        if len(places) != 1:
            raise UsageError(f"{type(estimator).__name__} has no setting {name!r}; leave it out")
        estimator.set_params(**{places[0]: value})
    return estimator


def trained(estimator: Any, x: Floats, y: NDArray[Any]) -> Any:
    """Train an estimator on rows; no batch of a network has more than half of them.

    To end with the last round that is allowed is as good as to stop before it, so that is no cause for a warning.
    """
    from sklearn.exceptions import ConvergenceWarning

    sizes = {name: size for name, size in estimator.get_params().items() if name.rpartition("__")[2] == "batch_size"}
    fitting = estimator.set_params(**{name: min(size, max(1, len(y) // 2)) for name, size in sizes.items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fitting.fit(x, y)


def signed_log(x: Floats) -> Floats:
    """Return sign(x) log(1 + |x|)."""
    return np.sign(x) * np.log1p(np.abs(x))


#: By name. Support vectors are shown few rows, as their cost grows faster than the rows.
LEARNERS = {
    "lightgbm": Learner(partial(boosted, "binary"), partial(boosted, "cross_entropy"), 150_000),
    "tree": Learner(tree, tree, 150_000),
    "forest": Learner(forest, forest, 100_000),
    "svm": Learner(support_vectors, support_vectors_of_shares, 4_000),
    "linear_svm": Learner(linear_support_vectors, ridge, 40_000),
    "mlp": Learner(network, network_of_shares, 40_000),
}
