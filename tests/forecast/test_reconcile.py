"""Reconciled forecasts add up, equal the dense textbook formula, and the truth is a fixed point."""

import time

import numpy as np
import polars as pl
import pytest
from scipy.optimize import nnls

from foretide.errors import UsageError
from foretide.forecast.error_variances import error_variances, joint_variances
from foretide.forecast.hierarchy import Hierarchy
from foretide.forecast.reconcile import bottom_up, wls_struct, wls_var
from foretide.schema import Panel


def table(kind, n=40, seed=0):
    rng = np.random.default_rng(seed)
    city = rng.integers(0, 9, n)
    columns = {
        "nested": {"region": city // 3, "city": city},
        "crossed": {"region": city // 3, "category": rng.integers(0, 4, n)},
        "crossed within nested": {"region": city // 3, "city": city, "category": rng.integers(0, 4, n)},
        "flat": {},
        "chain": {"only": city * 0, "each": np.arange(n)},
    }[kind]
    names = {name: [f"{name[0]}{v}" for v in values] for name, values in columns.items()}
    return pl.DataFrame({"unique_id": [f"s{i}" for i in range(n)], **names})


KINDS = ("nested", "crossed", "crossed within nested", "flat", "chain")


@pytest.fixture(params=KINDS)
def hierarchy(request):
    return Hierarchy.from_table(table(request.param))


def dense(hierarchy):
    return np.vstack([hierarchy.aggregates.toarray(), np.eye(hierarchy.n_leaves)])


def base_and_variances(hierarchy, h=3, noise=4.0, seed=0):
    rng = np.random.default_rng(seed)
    coherent = hierarchy.aggregate(rng.uniform(10, 90, (hierarchy.n_leaves, h)))
    return coherent, coherent + rng.normal(0, noise, coherent.shape), rng.uniform(0.5, 30, hierarchy.n_nodes)


def methods(variances):
    return {
        "bottom_up": bottom_up,
        "wls_struct": wls_struct,
        "wls_var": lambda hierarchy, base, **options: wls_var(hierarchy, base, variances, **options),
    }


def test_the_levels_of_a_table():
    leaves = pl.DataFrame({"unique_id": ["b", "a", "c"], "city": ["x", "y", "y"], "land": ["L", "L", "L"]})
    hierarchy = Hierarchy.from_table(leaves)
    assert hierarchy.names == ["total", "land=L", "city=x", "city=y", "b", "a", "c"]
    np.testing.assert_array_equal(hierarchy.aggregate(np.array([[1.0], [2.0], [4.0]]))[:, 0], [7, 7, 1, 6, 1, 2, 4])
    assert Hierarchy.from_table(leaves, ["city"]).levels == ("total", "city", "unique_id")


def test_trees_are_told_from_crossed_levels():
    trees = {kind for kind in KINDS if Hierarchy.from_table(table(kind)).steps is not None}
    assert trees == {"nested", "flat", "chain"}


def test_a_panel_of_all_nodes_follows_the_names_and_begins_with_its_leaves():
    hierarchy = Hierarchy.from_table(pl.DataFrame({"unique_id": ["b", "a"], "of": ["x", "y"]}))
    leaves = Panel(["a", "b"], np.arange("2024-01-01", "2024-01-04", dtype="datetime64[D]"), np.ones((2, 3)))
    leaves.y[0, :1], leaves.y[1, :2] = np.nan, np.nan
    whole = hierarchy.panel(leaves)
    assert whole.ids == ["total", "of=x", "of=y", "b", "a"]
    np.testing.assert_array_equal(whole.y[0], [np.nan, 1, 2])
    np.testing.assert_array_equal(whole.y[1], [np.nan, np.nan, 1])


@pytest.mark.parametrize("name", ["bottom_up", "wls_struct", "wls_var"])
def test_what_comes_out_adds_up_and_stays_if_it_did_before(hierarchy, name):
    coherent, base, variances = base_and_variances(hierarchy)
    reconcile = methods(variances)[name]
    told = reconcile(hierarchy, base)
    np.testing.assert_allclose(told, hierarchy.aggregate(told[-hierarchy.n_leaves :]), rtol=1e-12)
    np.testing.assert_allclose(reconcile(hierarchy, told), told, rtol=1e-9)
    np.testing.assert_allclose(reconcile(hierarchy, coherent), coherent, rtol=1e-9)
    whole = np.round(coherent)
    whole = hierarchy.aggregate(whole[-hierarchy.n_leaves :])
    np.testing.assert_array_equal(np.round(reconcile(hierarchy, whole), 6), whole)


def test_it_is_a_projection_so_what_is_unbiased_stays_unbiased(hierarchy):
    """S P S = S, column by column of the identity, though some of these would be negative without care."""
    _, _, variances = base_and_variances(hierarchy)
    summing = dense(hierarchy)
    for reconcile in (methods(variances)["wls_struct"], methods(variances)["wls_var"]):
        np.testing.assert_allclose(reconcile(hierarchy, summing, nonnegative=False), summing, atol=1e-9)


def test_it_is_the_dense_textbook_formula(hierarchy):
    _, base, variances = base_and_variances(hierarchy)
    summing = dense(hierarchy)
    for weights, told in (
        (1 / summing.sum(axis=1), wls_struct(hierarchy, base)),
        (1 / variances, wls_var(hierarchy, base, variances)),
    ):
        left = summing.T @ (weights[:, None] * summing)
        truth = summing @ np.linalg.solve(left, summing.T @ (weights[:, None] * base))
        np.testing.assert_allclose(told, truth, rtol=1e-9)


def test_nothing_is_negative_and_it_is_the_best_such_forecast(hierarchy):
    rng = np.random.default_rng(1)
    base = hierarchy.aggregate(rng.gamma(0.3, 2.0, (hierarchy.n_leaves, 6)))
    base *= rng.uniform(0.3, 1.2, base.shape)  # sums too low: leaves are pushed below zero
    base[0] *= 0.2
    variances = rng.uniform(0.5, 30, hierarchy.n_nodes)
    told = wls_var(hierarchy, base, variances)
    assert (wls_var(hierarchy, base, variances, nonnegative=False) < -0.01).any()
    assert (told >= 0).all()
    summing = dense(hierarchy) / np.sqrt(variances)[:, None]
    best = np.stack([nnls(summing, column)[0] for column in (base / np.sqrt(variances)[:, None]).T], axis=1)
    np.testing.assert_allclose(told, hierarchy.aggregate(best), atol=1e-6)


def test_errors_shrink_where_variances_are_known():
    hierarchy = Hierarchy.from_table(table("nested", 200))
    rng = np.random.default_rng(3)
    truth = hierarchy.aggregate(rng.uniform(50, 90, (200, 400)))
    sd = 2.0 * np.sqrt(hierarchy.aggregate(np.ones((200, 1)))) * rng.uniform(0.2, 2, (hierarchy.n_nodes, 1))
    base = truth + sd * rng.normal(size=truth.shape)
    error = error_variances(base - truth)
    after = {
        "bottom_up": bottom_up(hierarchy, base),
        "wls_struct": wls_struct(hierarchy, base),
        "wls_var": wls_var(hierarchy, base, error),
    }
    square = {name: [np.mean((told - truth)[at] ** 2) for at in hierarchy.slices] for name, told in after.items()}
    before = [np.mean((base - truth)[at] ** 2) for at in hierarchy.slices]
    assert (np.array(square["wls_var"]) < np.array(before)).all()
    assert (np.array(square["wls_var"]) < np.array(square["wls_struct"])).all()
    assert (np.array(square["wls_var"])[:-1] < np.array(square["bottom_up"])[:-1]).all()
    bias = (after["wls_var"] - truth).mean(axis=1) / sd[:, 0]
    assert np.abs(bias).max() < 5 / np.sqrt(400)


def test_errors_that_leaves_share_do_not_cancel_in_their_sum():
    """With a shock common to all leaves their sum is worse than their variances say, and the joint ones tell."""
    rng = np.random.default_rng(4)
    for kind in ("nested", "crossed"):
        hierarchy = Hierarchy.from_table(table(kind, 100))
        truth = hierarchy.aggregate(rng.uniform(50, 90, (100, 300)))
        size = hierarchy.aggregate(np.ones((100, 1)))
        base = truth + rng.normal(size=truth.shape) * 3 * np.sqrt(size)
        base[-100:] += rng.normal(0, 3, 300)
        before, now = (base - truth)[:, :150], base[:, 150:]
        plain, joint = (
            wls_var(hierarchy, now, variances) - truth[:, 150:]
            for variances in (error_variances(before), joint_variances(hierarchy, before))
        )
        assert np.mean(joint[0] ** 2) < 0.8 * np.mean(plain[0] ** 2)
    alone = rng.normal(size=(hierarchy.n_nodes, 4000))
    np.testing.assert_allclose(joint_variances(hierarchy, alone), error_variances(alone), rtol=0.1)


def test_one_leaf_zeros_and_variances_that_are_not_known():
    lone = Hierarchy.from_table(pl.DataFrame({"unique_id": ["a"]}))
    np.testing.assert_allclose(wls_struct(lone, np.array([[4.0], [2.0]])), 3.0)
    np.testing.assert_allclose(wls_var(lone, np.array([[4.0], [2.0]]), np.array([3.0, 1.0])), 2.5)
    hierarchy = Hierarchy.from_table(table("nested"))
    zero = np.zeros((hierarchy.n_nodes, 2))
    np.testing.assert_array_equal(wls_var(hierarchy, zero, np.zeros(hierarchy.n_nodes)), zero)
    _, base, variances = base_and_variances(hierarchy)
    variances[::3] = np.nan
    assert np.isfinite(wls_var(hierarchy, base, variances)).all()
    assert wls_struct(hierarchy, base[:, :0]).shape == (hierarchy.n_nodes, 0)
    np.testing.assert_array_equal(error_variances(np.array([[1.0, np.nan, 3.0], [np.nan] * 3])), [5.0, np.nan])


@pytest.mark.parametrize(
    ("leaves", "words"),
    [
        ({"unique_id": ["a", "a"], "of": ["x", "y"]}, "once"),
        ({"unique_id": ["a", "b"], "of": ["x", None]}, "empty cells"),
        ({"name": ["a"]}, "no column unique_id"),
        ({"unique_id": []}, "one row a leaf"),
    ],
)
def test_tables_that_are_no_hierarchy(leaves, words):
    with pytest.raises(UsageError, match=words):
        Hierarchy.from_table(pl.DataFrame(leaves))


def test_forecasts_that_do_not_fit(hierarchy):
    with pytest.raises(UsageError, match="base forecasts of"):
        wls_struct(hierarchy, np.ones((3, 2)))
    with pytest.raises(UsageError, match="is missing"):
        bottom_up(hierarchy, np.full((hierarchy.n_nodes, 1), np.nan))
    with pytest.raises(UsageError, match="one a node"):
        wls_var(hierarchy, np.ones((hierarchy.n_nodes, 1)), np.ones(3))
    with pytest.raises(UsageError, match="have no series"):
        hierarchy.panel(Panel(["other"], np.arange(3).astype("datetime64[D]"), np.ones((1, 3))))


def test_many_leaves_take_no_dense_matrix():
    n = 20_000
    leaf = np.arange(n)
    columns = {"a": leaf // 2000, "b": leaf // 40}
    hierarchy = Hierarchy.from_table(pl.DataFrame({"unique_id": leaf.astype(str), **columns}))
    base = hierarchy.aggregate(np.random.default_rng(0).gamma(0.5, 1.0, (n, 7)))
    began = time.perf_counter()
    told = wls_struct(hierarchy, base * np.linspace(0.8, 1.2, len(base))[:, None])
    assert time.perf_counter() - began < 5
    np.testing.assert_allclose(told[0], told[-n:].sum(axis=0))
