"""Recommendations as users get them: ranks, ties, repeats, strangers, explanations, the learned blend."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import NotEnoughDataError, UsageError
from foretide.events.records import FrameBuckets
from foretide.recommend import engine
from foretide.recommend.blend import DEFAULT_WEIGHTS, MIN_USERS, ideal_gain
from foretide.recommend.candidates import best
from foretide.recommend.engine import PARTS, Wish, advise, choose, recommend, sources
from foretide.schema import RECOMMENDATIONS
from foretide.text import LANGUAGES, speaking
from recommend.small import AS_OF, events, histories, shop

INTERESTS = {
    "user_id": pl.String,
    "category": pl.String,
    "share_now": pl.Float64,
    "share_expected": pl.Float64,
}


@pytest.fixture(scope="module")
def buckets():
    return FrameBuckets(events(shop(np.random.default_rng(1))))


def small_log():
    rows = st.tuples(st.sampled_from("abcd"), st.sampled_from("uvwxyz"), st.integers(1, 40), st.sampled_from("pq"))
    return st.lists(rows, min_size=1, max_size=25)


@settings(deadline=None, max_examples=60)
@given(small_log(), st.integers(1, 8), st.booleans())
def test_lists_are_ranked_without_gaps_and_name_no_item_twice(rows, k, repeats):
    shown = recommend(FrameBuckets(events(rows)), AS_OF, k=k, repeats=repeats)
    assert shown.schema == RECOMMENDATIONS
    n_items = len({row[1] for row in rows})
    for (user,), own in shown.group_by("user_id"):
        assert own["rank"].to_list() == list(range(1, own.height + 1))
        assert own["item_id"].n_unique() == own.height
        assert own["score"].is_sorted(descending=True)
        had = {row[1] for row in rows if row[0] == user}
        assert own.height == min(k, n_items if repeats else n_items - len(had))
        assert repeats or not had & set(own["item_id"])


@settings(deadline=None, max_examples=20)
@given(small_log(), st.randoms())
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert recommend(FrameBuckets(events(rows)), AS_OF).equals(recommend(FrameBuckets(events(shuffled)), AS_OF))


def test_nothing_from_as_of_on_changes_the_answer(buckets):
    at = AS_OF.replace(month=4)
    past = FrameBuckets(buckets.frame.filter(pl.col("ts") < at))
    assert recommend(buckets, at).equals(recommend(past, at))


def test_the_answer_does_not_depend_on_who_else_is_asked_about(buckets, monkeypatch):
    everyone = recommend(buckets, AS_OF)
    alone = recommend(buckets, AS_OF, ["u007"])
    assert alone.equals(everyone.filter(pl.col("user_id") == "u007"))
    monkeypatch.setattr(engine, "CHUNK_USERS", 7)
    assert recommend(buckets, AS_OF).equals(everyone)


def test_equal_scores_are_settled_by_popularity_then_item():
    rows = [("a", "x", 1), ("a", "y", 1), ("a", "w", 1), ("b", "y", 1000), ("b", "y", 1001), ("c", "z", 1)]
    made = histories(rows)
    wish = Wish(AS_OF, 3, True)
    assert choose(made, ["a"], wish).items["item_id"].to_list() == ["y", "w", "x"]


def test_repeats_come_back_by_domain(buckets):
    had = buckets.frame.select("user_id", "item_id").unique()
    shop_, films = (recommend(buckets, AS_OF, domain=domain) for domain in ("ecommerce", "video"))
    assert shop_.join(had, on=["user_id", "item_id"], how="semi").height > 0
    assert films.join(had, on=["user_id", "item_id"], how="semi").height == 0
    assert recommend(buckets, AS_OF, domain="video", repeats=True).equals(shop_)


def test_a_stranger_gets_what_is_popular_and_a_note(buckets):
    advice = advise(buckets, AS_OF, ["nobody", "u001", "nobody"])
    assert advice.items["user_id"].unique(maintain_order=True).to_list() == ["nobody", "u001"]
    assert any("nobody" in note for note in advice.notes)
    stranger = advice.explained().filter(pl.col("user_id") == "nobody")
    assert stranger.height == 10
    assert stranger["reason"].str.contains("nothing is known").all()
    assert (stranger["repeats"] == 0).all()
    assert len(set(stranger["item_id"].head(5)) & {f"i{i:03}" for i in range(5)}) >= 4


def test_k_beyond_the_catalogue_gives_all_there_is(buckets):
    advice = advise(buckets, AS_OF, ["u001"], k=1000)
    assert set(advice.items["item_id"]) == set(buckets.frame["item_id"])
    assert any("1000" in note for note in advice.notes)


def test_nobody_asked_about_gets_an_empty_table(buckets):
    advice = advise(buckets, AS_OF, [])
    assert advice.items.is_empty()
    assert advice.explained().is_empty()
    assert advice.notes == []


def test_bad_wishes_are_one_sentence(buckets):
    with pytest.raises(UsageError, match="k is 0"):
        recommend(buckets, AS_OF, k=0)
    with pytest.raises(UsageError, match="'music' is not one of ecommerce"):
        recommend(buckets, AS_OF, domain="music")
    with pytest.raises(NotEnoughDataError, match="nothing to recommend"):
        recommend(buckets, AS_OF.replace(year=2000))
    with pytest.raises(NotEnoughDataError, match="nothing to recommend"):
        recommend(FrameBuckets(events([("a", None, 1)])), AS_OF)


def test_parts_add_up_to_the_score(buckets):
    interests = pl.DataFrame(
        {"user_id": ["u001"], "category": ["c1"], "share_now": [0.2], "share_expected": [0.6]}, INTERESTS
    )
    explained = advise(buckets, AS_OF, interests=interests).explained()
    assert explained.columns == [*RECOMMENDATIONS, *PARTS, "reason"]
    assert explained.select(PARTS).sum_horizontal().to_numpy() == pytest.approx(explained["score"].to_numpy())
    assert (explained["diversity"] <= 0).all()
    lifted = explained.filter(pl.col("interests") > 0)
    assert set(lifted["user_id"]) == {"u001"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_reasons_give_the_figures(lang):
    rows = [("a", "x", 12.5), ("a", "x", 20), ("a", "y", 40), ("b", "z", 1)]
    rows += [(f"c{n}", item, 3) for n in range(9) for item in ("y", "n")]
    with speaking(lang):
        advice = advise(FrameBuckets(events(rows)), AS_OF, ["a"])
        reasons = dict(advice.explained().select("item_id", "reason").iter_rows())
    assert re.findall(r"\d+", reasons["x"]) == ["2", "12"]
    assert len(set(reasons.values())) >= 3
    assert not any("{" in reason for reason in reasons.values())


def test_too_few_users_get_the_default_weights_and_a_note():
    advice = advise(FrameBuckets(events([("a", "x", 1), ("b", "y", 2)])), AS_OF)
    total = sum(DEFAULT_WEIGHTS.values())
    assert advice.weights == pytest.approx({name: w / total for name, w in DEFAULT_WEIGHTS.items()})
    assert any("default weights" in note for note in advice.notes)


def test_the_blend_learns_whether_people_come_back():
    """Where favourites rule a user's own past gets the weight; where every day has its novelty trend does."""
    rng = np.random.default_rng(2)
    users = [f"u{n:03}" for n in range(2 * MIN_USERS)]
    loyal = [(u, f"own-{u}-{rng.integers(3)}", day + rng.random()) for u in users for day in range(30)]
    fickle = [(u, f"day-{day // 9:02}-{rng.integers(4)}", day + rng.random()) for u in users for day in range(40)]
    weights = [choose(histories(rows), users[:1], Wish(AS_OF, 5, True)).weights for rows in (loyal, fickle)]
    assert weights[0]["repeats"] + weights[0]["neighbours"] > 0.9
    assert weights[1]["trend"] > 2 * weights[0]["trend"]


def test_sources_offer_enough_for_a_long_list():
    assert {source.n_candidates for source in sources(Wish(AS_OF, 500, True)).values()} == {500}
    assert "repeats" not in sources(Wish(AS_OF, 5, False))


def test_a_perfect_list_gains_one():
    gain = ideal_gain(np.array([0, 1, 2, 50]))
    assert gain[:2].tolist() == [0, 1]
    assert 1 / gain[2] == pytest.approx(1 + 1 / np.log2(3))
    assert 1 / gain[3] == pytest.approx(sum(1 / np.log2(rank + 1) for rank in range(1, 11)))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(1, 6), st.randoms())
def test_the_best_are_those_of_a_sort(values, n, random):
    items = random.sample(range(100), len(values))
    found = best(np.array(values, float), np.array(items, np.int32), n)
    wanted = sorted((-v, i) for v, i in zip(values, items, strict=True) if v > 0)[:n]
    assert [items[place] for place in found] == sorted(i for _, i in wanted)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_users_who_showed_no_interest_are_counted(lang):
    rows = [
        *shop(np.random.default_rng(1)),
        ("v1", "i001", 3.0, None, "impression"),
        ("v2", "i002", 2.0, None, "feedback"),
    ]
    log = FrameBuckets(events([*rows, ("v3", None, 2.0)]))
    with speaking(lang):
        told = advise(log, AS_OF)
        (note,) = told.notes
        assert "3" in note
        assert "impression" in note
        assert {"v1", "v2", "v3"}.isdisjoint(told.items["user_id"])
        assert advise(log, AS_OF, ["u001"]).notes == []
