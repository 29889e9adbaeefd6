"""The test for drift against every draw of small cases, worked out in plain Python, and its tail against scipy."""

import math
from collections import Counter
from itertools import chain, combinations, pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from features import oracle
from features.oracle import BEGIN, DAY, Event
from foretide.features.dependence import BLOCK, CHANCE, MOST_ALIKE
from foretide.features.drift import POWER, drift
from foretide.features.gamma_tail import gamma_above
from foretide.features.permutation import ENOUGH, LEAST

END = BEGIN + 112 * DAY
COPIES = 20
CELLS = "abc"

#: Few active days, each with a few events.
DAYS = st.dictionaries(
    st.integers(0, 111), st.lists(st.sampled_from(CELLS), min_size=1, max_size=3), min_size=2, max_size=5
)


def flat(lists):
    return list(chain.from_iterable(lists))


def mix(events):
    return np.array([events.count(c) for c in CELLS]) / len(events)


def block_length(windows):
    """Return how many days make a block, from the correlation of days in a row within both windows."""
    like, squares, products = 0.0, 0.0, []
    for days in windows:
        p = mix(flat(days))
        rows = [len(day) * (mix(day) - p) for day in days]
        products += [a @ b for a, b in pairwise(rows)]
        own = sum(row @ row for row in rows)
        like, squares = like + own / len(days), squares + own
    like += sum(products)
    if squares < 1e-9 or like <= CHANCE * math.hypot(*products) + 1e-9:
        return 1
    r = min(like / squares, MOST_ALIKE)
    return int(1.5 + BLOCK * r / (1 - r) + 1e-9)


def blocks(days, length):
    n = max(1, int(len(days) / length + 0.5))
    edges = [i * len(days) // n for i in range(n + 1)]
    return [flat(days[a:b]) for a, b in pairwise(edges)]


def pairs(sizes):
    return sum(size * (size - 1) for size in sizes)


def alike(every):
    """Return the correlation of two events of a block, by the variance of the blocks' counts."""
    events = flat(every)
    n, p, seen = len(events), mix(events), mix(events) > 0
    weight = p[seen] ** -POWER["interests"]
    single = weight @ (p * (1 - p))[seen]
    apart = sum(weight @ (len(block) * (mix(block) - p)[seen]) ** 2 for block in every)
    chance = sum(len(block) * (n - len(block)) for block in every) / (n - 1)
    within = pairs(map(len, every))
    return min(max((apart / single - chance) / within, 0), 1) if within and single > 1e-9 else 0


def compared(drawn, others, correlation):
    """Return the statistic, G and the share of unseen cells for events in pieces of blocks."""
    recent, reference = flat(drawn), flat(others)
    p = mix(recent + reference)
    gap = ((mix(recent) - mix(reference)) ** 2)[p > 0] @ p[p > 0] ** -POWER["interests"]
    sides = [(len(events), pairs(map(len, pieces))) for events, pieces in ((recent, drawn), (reference, others))]
    variance = sum((1 + correlation * within / n) / n for n, within in sides)
    both = Counter(recent + reference)
    apart = sum(len(events) * oracle.entropy(Counter(events).values()) for events in (recent, reference))
    g = 2 * (both.total() * oracle.entropy(both.values()) - apart)
    return gap / variance, g, sum(c not in reference for c in recent) / len(recent)


def draws(every, n):
    """Return each draw of blocks until there are n events, with its chance; the last block gives a part of its own."""
    found, indices = [], range(len(every))
    for size in indices:
        orders = math.factorial(size) * math.factorial(len(every) - size - 1) / math.factorial(len(every))
        for whole in combinations(indices, size):
            left = n - sum(len(every[i]) for i in whole)
            for last in set(indices) - set(whole):
                if not 0 < left <= len(every[last]):
                    continue
                drawn = [every[i] for i in whole]
                rest = [every[i] for i in indices if i not in (*whole, last)]
                parts = list(combinations(range(len(every[last])), left))
                for part in parts:
                    block = list(enumerate(every[last]))
                    taken, kept = ([c for i, c in block if (i in part) == there] for there in (True, False))
                    found.append((orders / len(parts), [*drawn, taken], [*rest, kept] if kept else rest))
    return found


@given(DAYS)
@example({28: ["a", "a"], 0: ["a", "a", "a"]})  # one category: every difference is rounding
@example(
    {day: ["a" if day > 40 else "b"] for day in range(33, 49)} | {day: ["b"] for day in range(3)}
)  # days in a row alike
@example({40: ["a", "b", "c"], 39: ["a", "c"], 38: ["b"], 2: ["b", "b"], 1: ["a"]})  # days of unlike size
@settings(max_examples=12, deadline=None)
def test_the_figures_are_those_of_every_draw_of_days(days):
    """On average over users who did the same: each has draws of its own."""
    events = [Event((111 - day) * 1440 + 600, category) for day, categories in days.items() for category in categories]
    table = drift(oracle.log({f"u{copy}": events for copy in range(COPIES)}), END)
    windows = [[days[day] for day in sorted(days, reverse=True) if (day < 28) == recent] for recent in (False, True)]
    if not all(windows):
        assert table.is_empty()
        return
    length = block_length(windows)
    reference, recent = (blocks(window, length) for window in windows)
    every = reference + recent
    correlation = alike(every)
    observed, g, unseen = compared(recent, reference, correlation)
    drawn = [(chance, *compared(*pieces, correlation)) for chance, *pieces in draws(every, len(flat(recent)))]
    chance, t, g_drawn, unseen_drawn = map(np.array, zip(*drawn, strict=True))
    assert chance.sum() == pytest.approx(1)
    bits = 2 * len(events) * math.log(2)
    least = 1 / math.comb(len(every), len(recent))
    assert table["divergence"].to_list() == pytest.approx([g / bits] * COPIES, abs=1e-9)
    assert table["exploration"].to_list() == pytest.approx([unseen] * COPIES)
    assert table["p_least"].to_list() == pytest.approx([least] * COPIES)
    p = max(chance @ (t >= observed - 1e-9 * (1 + observed)), least)
    # The observed choice is counted once more, and stopping early adds one in ENOUGH.
    assert table["p_value"].mean() == pytest.approx(p, abs=5 * noise(p * (1 - p)) + 1 / LEAST + p / ENOUGH)
    assert table["p_value"].min() >= least - 1e-12
    for column, value, scale in (("excess", g_drawn, -1 / bits), ("exploration_expected", unseen_drawn, 1.0)):
        mean = chance @ value
        told = g / bits + scale * mean if column == "excess" else mean
        spread = chance @ (value - mean) ** 2 * scale**2
        assert table[column].mean() == pytest.approx(told, abs=5 * noise(spread) + 0.01)


def noise(variance):
    """Return the error of a mean over the fewest draws of all copies."""
    return math.sqrt(max(variance, 0.0) / (LEAST * COPIES))


@given(st.floats(0.2, 60), st.floats(1.0, 4.0))
def test_the_tail_of_the_gamma_law(shape, times):
    x = shape * times + 0.1
    assert gamma_above(shape, x) == pytest.approx(stats.gamma.sf(x, shape), rel=1e-6, abs=1e-250)
