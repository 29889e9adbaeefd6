"""The sources of candidates: worked examples, an oracle in plain Python, and the laws of all of them."""

from collections import defaultdict
from datetime import timedelta

import numpy as np
import pytest

from foretide.recommend.candidates import pairs, union
from foretide.recommend.engine import RECOMMENDERS
from foretide.recommend.item_knn import HALVINGS, SeqItemKNN
from foretide.recommend.repeats import Repeats
from foretide.recommend.trend import Trend
from recommend.small import AS_OF, histories, scores, shop


def scored(source, made, at=AS_OF, among=None):
    found = source.fit(made, at).score(made, at, among)
    return scores(found, made.users, made.items)


def test_repeats_halve_with_the_half_life():
    made = histories([("a", "x", 10), ("a", "x", 20), ("a", "y", 5)])
    found = scored(Repeats(half_life_days=10, returns_power=0), made)
    assert found == pytest.approx({("a", "x"): 0.5 + 0.25, ("a", "y"): 0.5**0.5})


def test_items_that_people_return_to_count_more():
    made = histories([("a", "x", 1), ("a", "x", 2), ("b", "x", 1), ("a", "y", 1), ("b", "y", 1)])
    returns = Repeats().fit(made, AS_OF).returns_
    assert returns == pytest.approx([(1 + 0.5) / (2 + 2), 0.5 / (2 + 2)])


def test_trend_is_popularity_times_growth():
    made = histories([("a", "x", 7), ("b", "x", 7), ("c", "x", 8), ("a", "y", 14), ("z", "z", 1)])
    fitted = Trend(half_life_days=7, growth_power=1).fit(made, AS_OF)
    growth = np.array([(2 + 5) / (1 + 5), (0 + 5) / (1 + 5), (1 + 5) / (0 + 5)])
    popularity = np.array([1 + 0.5 ** (8 / 7), 0.25, 0.5 ** (1 / 7)])
    assert fitted.growth_ == pytest.approx(growth)
    assert fitted.level_ == pytest.approx(popularity * growth)


def test_trend_proposes_what_is_new_to_the_user():
    made = histories([("a", "x", 1), ("b", "x", 1), ("b", "y", 1)])
    assert scored(Trend(), made).keys() == {("a", "y")}


def plain_neighbours(made, knn):
    """Similarities in plain Python, without the limit on neighbours."""
    close, taken = defaultdict(float), defaultdict(float)
    for u in range(made.n_users):
        own = range(made.offsets[u], made.offsets[u + 1])
        times = sorted({int(made.ts[p]) for p in own})
        for p in own:
            age = (int(AS_OF.timestamp() * 1e6) - int(made.ts[p])) / 86_400e6
            weight = 0.5 ** (age / knn.half_life_days)
            taken[int(made.item[p])] += weight
            for q in own:
                later = times.index(int(made.ts[q])) - times.index(int(made.ts[p]))
                if abs(p - q) <= knn.window and later >= 0 and made.item[p] != made.item[q]:
                    close[int(made.item[p]), int(made.item[q])] += weight / (1 + later)
    return {(a, b): c / (taken[a] + knn.shrink) / max(taken[b], 1) ** knn.discount for (a, b), c in close.items()}


def basket_rows(rng):
    """Make rows in which users take several items at one instant."""
    ages = rng.integers(1, 30, 300)
    return [(f"u{rng.integers(6)}", f"i{rng.integers(12):02}", int(age)) for age in ages]


def test_neighbours_are_those_of_plain_python():
    made = histories(basket_rows(np.random.default_rng(3)))
    knn = SeqItemKNN(window=4, n_neighbours=100).fit(made, AS_OF)
    offsets, neighbour, similarity = knn.neighbours_
    source = np.repeat(np.arange(made.n_items), np.diff(offsets))
    found = dict(zip(zip(source.tolist(), neighbour.tolist(), strict=True), similarity, strict=True))
    assert found == pytest.approx(plain_neighbours(made, knn))


def test_only_the_nearest_neighbours_are_kept():
    made = histories(basket_rows(np.random.default_rng(4)))
    every = SeqItemKNN(n_neighbours=100).fit(made, AS_OF).neighbours_
    few = SeqItemKNN(n_neighbours=3).fit(made, AS_OF).neighbours_
    for i in range(made.n_items):
        best = np.sort(every[2][every[0][i] : every[0][i + 1]])[-3:]
        assert np.sort(few[2][few[0][i] : few[0][i + 1]]) == pytest.approx(best)


def test_neighbours_of_the_last_basket_count_most():
    rows = [("t", "a", 9), ("t", "p", 9), ("s", "b", 9), ("s", "q", 9), ("u", "a", 4), ("u", "b", 2)]
    made = histories(rows)
    knn = SeqItemKNN(memory_baskets=1).fit(made, AS_OF)
    found = scores(knn.score(made, AS_OF), made.users, made.items)
    assert found["u", "q"] == pytest.approx(2 * found["u", "p"], rel=0.1)


def test_baskets_long_past_say_nothing():
    early = [("u", "a", 100), ("t", "a", 100), ("t", "p", 100)]
    made = histories(early + [("u", f"z{n:02}", 50 - n) for n in range(HALVINGS + 1)])
    found = scored(SeqItemKNN(memory_baskets=1, half_life_days=1e3), made)
    assert ("u", "p") not in found


@pytest.fixture(scope="module")
def rows():
    return shop(np.random.default_rng(0), n_events=600)


@pytest.mark.parametrize("source", RECOMMENDERS.values())
class TestLaws:
    """What holds for every recommender."""

    def test_scoring_is_pure(self, source, rows):
        made = histories(rows)
        fitted = source().fit(made, AS_OF)
        first, again = fitted.score(made, AS_OF), fitted.score(made, AS_OF)
        assert np.array_equal(first.item, again.item)
        assert np.array_equal(first.score, again.score)

    def test_the_order_of_rows_does_not_matter(self, source, rows):
        assert scored(source(), histories(rows)) == scored(source(), histories(rows[::-1]))

    def test_nothing_from_then_on_changes_the_answer(self, source, rows):
        at = AS_OF - timedelta(days=40)
        everything = histories(rows)
        assert scored(source(), everything, at) == scored(source(), everything.until(at), at)

    def test_the_score_of_a_proposal_is_the_same_when_asked_for(self, source, rows):
        made = histories(rows)
        fitted = source().fit(made, AS_OF)
        found = fitted.score(made, AS_OF)
        assert fitted.score(made, AS_OF, found).score == pytest.approx(found.score)

    def test_candidates_are_few_distinct_and_sorted(self, source, rows):
        made = histories(rows)
        found = source(n_candidates=7).fit(made, AS_OF).score(made, AS_OF)
        assert np.diff(found.offsets).max() <= 7
        assert len(set(zip(found.user.tolist(), found.item.tolist(), strict=True))) == len(found.item)
        assert np.array_equal(np.lexsort((found.item, found.user)), np.arange(len(found.item)))

    def test_a_stranger_gets_what_is_popular_or_nothing(self, source, rows):
        made = histories(rows)
        fitted = source().fit(made, AS_OF)
        found = fitted.score(made.of(["stranger"]), AS_OF)
        assert (found.item.size > 0) == (source is Trend)
        wanted = union([pairs(made.of(["u001"]))], made.n_items)
        asked = fitted.score(made.of(["stranger"]), AS_OF, wanted)
        assert (asked.score > 0).any() == (source is Trend)


@pytest.mark.parametrize("source", RECOMMENDERS.values())
def test_what_is_proposed_is_the_best_there_is(source, rows):
    made = histories(rows)
    fitted = source(n_candidates=3).fit(made, AS_OF)
    every = source(n_candidates=1000).fit(made, AS_OF).score(made, AS_OF)
    few = fitted.score(made, AS_OF)
    for u in range(made.n_users):
        best = np.sort(every.score[every.offsets[u] : every.offsets[u + 1]])[-3:]
        assert np.sort(few.score[few.offsets[u] : few.offsets[u + 1]]) == pytest.approx(best)
