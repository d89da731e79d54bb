-- The realised share of the listed discount on an endpoint's hits, over the observed days of the seven that end with
-- the day of the newest run and whose list price did not move, as a ratio of sums weighted by tokens; if these give no
-- value, from the newest reading. Over the same days, the share of the misses that was written, where writes cost more
-- than input. One row per endpoint of the newest run with one of the two.
WITH newest AS (
    SELECT run_no, observed_at AS at FROM run ORDER BY observed_at DESC LIMIT 1
), told AS (
    SELECT r.endpoint_no, CAST(run.observed_at AS DATE) - r.usage_day_back AS day, r.hit_rate, r.effective_input,
        r.tokens
    FROM reading r JOIN run USING (run_no)
    WHERE run.window_kind = 'day_to_date' AND r.tokens IS NOT NULL
      -- Only days on which the endpoint was read.
      AND (r.endpoint_no, CAST(run.observed_at AS DATE) - r.usage_day_back) IN (
        SELECT (endpoint_no, CAST(observed_at AS DATE)) FROM reading JOIN run USING (run_no))
    QUALIFY row_number() OVER (PARTITION BY r.endpoint_no, day ORDER BY r.tokens DESC, run.observed_at DESC) = 1
), closed_rate AS (
    SELECT endpoint_no, day, arg_max(hit_rate, run_no) AS hit_rate FROM closing_rate GROUP BY ALL
), closed_price AS (
    SELECT endpoint_no, day, arg_max({'paid': effective_input}, run_no).paid AS paid FROM closing_price GROUP BY ALL
), observed AS (
    SELECT endpoint_no, day, coalesce(c.hit_rate, told.hit_rate) AS hit_rate,
        if(c.hit_rate IS NULL, told.effective_input, p.paid) AS paid, told.tokens
    FROM told FULL JOIN closed_rate c USING (endpoint_no, day) LEFT JOIN closed_price p USING (endpoint_no, day)
), listed AS (
    SELECT model, max(date_trunc('day', created)) AS day FROM model_history WHERE valid_to IS NULL GROUP BY model
), usual AS (
    SELECT o.endpoint_no, avg(o.tokens) AS tokens
    FROM observed o JOIN endpoint e USING (endpoint_no) LEFT JOIN listed ON listed.model = e.model, newest
    WHERE o.day BETWEEN CAST(newest.at AS DATE) - 6 AND CAST(newest.at AS DATE)
      AND (listed.day IS NULL OR o.day >= listed.day + INTERVAL 3 DAY)
    GROUP BY o.endpoint_no
), moved AS (
    SELECT a.endpoint_no, CAST(b.valid_from AS DATE) AS day
    FROM price_history a JOIN price_history b ON a.endpoint_no = b.endpoint_no AND a.valid_from < b.valid_from
    WHERE NOT EXISTS (FROM price_history c WHERE c.endpoint_no = a.endpoint_no
        AND c.valid_from > a.valid_from AND c.valid_from < b.valid_from)
      AND ((a.list_input IS NULL) <> (b.list_input IS NULL) OR (a.list_cache_read IS NULL) <> (b.list_cache_read IS NULL)
        OR abs(CAST(b.list_input AS DOUBLE) / CAST(a.list_input AS DOUBLE) - 1) > 0.001
        OR abs(CAST(b.list_cache_read AS DOUBLE) / CAST(a.list_cache_read AS DOUBLE) - 1) > 0.001)
), price AS (
    SELECT o.endpoint_no, o.day,
        coalesce(arg_max(p, p.valid_from) FILTER (p.valid_from < o.day + INTERVAL 1 DAY), arg_min(p, p.valid_from)) AS was
    FROM observed o JOIN price_history p USING (endpoint_no)
    GROUP BY ALL
), priced AS (
    SELECT o.endpoint_no, o.hit_rate, o.paid, coalesce(o.tokens, usual.tokens, 1) AS weight,
        CAST(price.was.list_input AS DOUBLE) AS input, CAST(price.was.list_cache_read AS DOUBLE) AS hit,
        CAST(price.was.list_cache_write AS DOUBLE) AS write, CAST(price.was.list_cache_write_1h AS DOUBLE) AS hour,
        price.was.price_tiers <> '[]' AS tiers
    FROM observed o JOIN price USING (endpoint_no, day) LEFT JOIN usual USING (endpoint_no)
    JOIN endpoint e USING (endpoint_no) LEFT JOIN listed ON listed.model = e.model, newest
    WHERE o.day BETWEEN CAST(newest.at AS DATE) - 6 AND CAST(newest.at AS DATE)
      AND (listed.day IS NULL OR o.day >= listed.day + INTERVAL 3 DAY)
      AND (o.endpoint_no, o.day) NOT IN (SELECT (endpoint_no, day) FROM moved)
      AND o.hit_rate IS NOT NULL AND o.paid IS NOT NULL AND input IS NOT NULL
      AND (tiers OR o.paid BETWEEN 0.95 * least(input, hit, write, hour) AND 1.01 * greatest(input, hit, write, hour))
), week AS (
    SELECT endpoint_no, sum(weight * (input - paid)) / sum(weight * hit_rate * (input - hit)) AS efficiency
    FROM priced
    WHERE hit < 0.95 * input
    GROUP BY endpoint_no
    HAVING sum(weight * hit_rate * (input - hit)) > 0.01 * sum(weight * (input - hit))
), writing AS (
    SELECT endpoint_no,
        sum(weight * (paid - (hit_rate * hit + (1 - hit_rate) * input)))
            / sum(weight * (1 - hit_rate) * (write - input)) AS share
    FROM priced
    WHERE hit IS NOT NULL AND write > input AND NOT tiers
    GROUP BY endpoint_no
    HAVING sum(weight * (1 - hit_rate) * (write - input)) > 0.01 * sum(weight * (write - input))
), now AS (
    SELECT r.endpoint_no,
        (CAST(p.list_input AS DOUBLE) - r.effective_input)
            / (r.hit_rate * (CAST(p.list_input AS DOUBLE) - CAST(p.list_cache_read AS DOUBLE))) AS efficiency
    FROM reading r JOIN newest USING (run_no)
    JOIN price_history p ON p.endpoint_no = r.endpoint_no AND p.valid_to IS NULL
    JOIN (
        SELECT endpoint_no, list_concat([CAST(list_input AS DOUBLE), CAST(list_cache_read AS DOUBLE),
                CAST(list_cache_write AS DOUBLE), CAST(list_cache_write_1h AS DOUBLE)],
            list_transform(regexp_extract_all(price_tiers, '"(?:input|cache_read|cache_write|cache_write_1h)":"?([0-9.]+)', 1),
                price -> CAST(price AS DOUBLE))) AS listed
        FROM price_history WHERE valid_to IS NULL
    ) range ON range.endpoint_no = r.endpoint_no
    WHERE r.effective_input BETWEEN 0.95 * list_min(range.listed) AND 1.01 * list_max(range.listed)
      AND NOT (p.valid_from >= CAST(newest.at AS DATE)
        AND EXISTS (FROM price_history q WHERE q.endpoint_no = r.endpoint_no AND q.valid_from < p.valid_from))
      AND r.hit_rate > 0 AND r.usage_day_back = 0 AND CAST(p.list_cache_read AS DOUBLE) < 0.95 * CAST(p.list_input AS DOUBLE)
)
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint, coalesce(week.efficiency, now.efficiency) AS efficiency,
    -- A difference of prices that is zero but for its last bits is zero.
    CASE WHEN share < 1e-9 THEN 0.0 WHEN share > 1 THEN 1.0 ELSE share END AS written
FROM reading r JOIN newest USING (run_no) JOIN endpoint e USING (endpoint_no)
LEFT JOIN week USING (endpoint_no) LEFT JOIN now USING (endpoint_no) LEFT JOIN writing USING (endpoint_no)
WHERE coalesce(week.efficiency, now.efficiency, share) IS NOT NULL
