"""The features of ``fold_peers.py`` in SQL that DuckDB and Spark both understand."""

#: Of the fold's features, those that the peers compute too.
FEATURES = [
    "recency_days", "tenure_days", "n_events", "active_days_7", "active_days_28", "active_days_56", "active_days_90",
    "active_days", "events_decayed_7", "events_decayed_28", "events_decayed_84", "value_decayed_7", "value_decayed_28",
    "value_decayed_84", "gap_mean_days", "gap_std_days", "gap_longest_days", "sessions", "session_minutes", "returns",
    "weekend_share", "night_share", "hours_hill_1", "categories", "categories_hill_1", "categories_hill_2",
    "gap_slope_days", "session_events", "gap_entropy_bits", "categories_hill_2_of_20", "top_category_share",
    "new_category_share", "new_category_expected",
]  # fmt: skip

SQL = """
WITH e AS (
    SELECT user_id, category, coalesce(value, 0) AS value, us, ({end} - us) / 86400e6 AS age,
        CAST(floor(us / 86400e6) AS INT) AS day, CAST(floor(us % 86400000000 / 3600e6) AS INT) AS hour
    FROM (SELECT user_id, category, value, {us} AS us FROM events) AS raw WHERE us < {end}
),
base AS (
    SELECT user_id, min(age) AS recency_days, max(age) AS tenure_days, count(*) AS n_events,
        sum(power(0.5, age / 7)) AS events_decayed_7, sum(power(0.5, age / 28)) AS events_decayed_28,
        sum(power(0.5, age / 84)) AS events_decayed_84, sum(value * power(0.5, age / 7)) AS value_decayed_7,
        sum(value * power(0.5, age / 28)) AS value_decayed_28, sum(value * power(0.5, age / 84)) AS value_decayed_84
    FROM e GROUP BY user_id
),
active AS (
    SELECT user_id, day, day - lag(day) OVER (PARTITION BY user_id ORDER BY day) AS gap
    FROM (SELECT DISTINCT user_id, day FROM e) AS d
),
places AS (
    SELECT user_id, day, gap, row_number() OVER (PARTITION BY user_id ORDER BY day) - 2 AS place FROM active
),
gaps AS (
    SELECT user_id, count(*) AS active_days, regr_slope(gap, place) AS gap_slope_days,
        avg(gap) AS gap_mean_days, stddev_pop(gap) AS gap_std_days,
        max(gap) AS gap_longest_days, count(*) FILTER (WHERE day > {end} / 86400e6 - 8) AS active_days_7,
        count(*) FILTER (WHERE day > {end} / 86400e6 - 29) AS active_days_28,
        count(*) FILTER (WHERE day > {end} / 86400e6 - 57) AS active_days_56,
        count(*) FILTER (WHERE day > {end} / 86400e6 - 91) AS active_days_90
    FROM places GROUP BY user_id
),
sizes AS (
    SELECT user_id, sum(n) AS n, sum(n * log2(n)) AS logs
    FROM (
        SELECT user_id, count(*) AS n FROM active WHERE gap IS NOT NULL GROUP BY user_id, least(ceil(log2(gap)), 7)
    ) AS bins GROUP BY user_id
),
pauses AS (SELECT user_id, us - lag(us) OVER (PARTITION BY user_id ORDER BY us) AS pause FROM e),
sessions AS (
    SELECT user_id, 1 + count(*) FILTER (WHERE pause > 1800e6) AS sessions,
        coalesce(sum(pause) FILTER (WHERE pause <= 1800e6), 0) / 60e6 AS inside,
        count(*) FILTER (WHERE pause >= 28 * 86400e6) AS returns
    FROM pauses GROUP BY user_id
),
cells AS (
    SELECT user_id, (day + 3) % 7 AS weekday, CAST(floor(hour / 4) AS INT) AS block,
        sum(power(0.5, age / 28)) AS w, sum(CASE WHEN hour < 6 THEN power(0.5, age / 28) ELSE 0 END) AS night
    FROM e GROUP BY user_id, (day + 3) % 7, CAST(floor(hour / 4) AS INT)
),
habits AS (
    SELECT user_id, sum(CASE WHEN weekday > 4 THEN w ELSE 0 END) / sum(w) AS weekend_share,
        sum(night) / sum(w) AS night_share, exp(ln(sum(w)) - sum(w * ln(w)) / sum(w)) AS hours_hill_1
    FROM cells GROUP BY user_id
),
kinds AS (
    SELECT user_id, category, sum(power(0.5, age / 28)) AS w, power(0.5, max(age) / 28) AS fresh, count(*) AS k FROM e
    WHERE category IS NOT NULL GROUP BY user_id, category
),
interests AS (
    SELECT user_id, count(*) AS categories, exp(ln(sum(w)) - sum(w * ln(w)) / sum(w)) AS categories_hill_1,
        sum(w) * sum(w) / sum(w * w) AS categories_hill_2, max(w) / sum(w) AS top_category_share,
        sum(fresh) / sum(w) AS new_category_share, count(*) FILTER (WHERE k = 1) / sum(k) AS new_category_expected,
        CASE WHEN sum(k) >= 20 THEN
            1 / (1e0 / 20 + 19e0 / 20 * sum(k * (k - 1)) / (sum(k) * (sum(k) - 1))) END AS categories_hill_2_of_20
    FROM kinds GROUP BY user_id
)
SELECT base.*, active_days, gap_mean_days, gap_std_days, gap_longest_days, active_days_7, active_days_28,
    active_days_56, active_days_90, sessions, inside / sessions AS session_minutes, returns, weekend_share, night_share,
    hours_hill_1, categories, categories_hill_1, categories_hill_2, gap_slope_days,
    n_events / sessions AS session_events, log2(sizes.n) - sizes.logs / sizes.n AS gap_entropy_bits,
    categories_hill_2_of_20, top_category_share,
    new_category_share, new_category_expected
FROM base JOIN gaps ON base.user_id = gaps.user_id JOIN sessions ON base.user_id = sessions.user_id
    JOIN habits ON base.user_id = habits.user_id LEFT JOIN interests ON base.user_id = interests.user_id
    LEFT JOIN sizes ON base.user_id = sizes.user_id
"""
