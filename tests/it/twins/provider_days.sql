-- The token-weighted hit rate of each provider on each observed UTC day of the thirty that end with the day of the
-- newest run.
WITH newest AS (
    SELECT max(observed_at) AS at FROM run
), told AS (
    SELECT r.endpoint_no, CAST(run.observed_at AS DATE) - r.usage_day_back AS day, r.hit_rate, r.tokens
    FROM reading r JOIN run USING (run_no)
    WHERE run.window_kind = 'day_to_date' AND r.tokens IS NOT NULL
      -- Only days on which the endpoint was read.
      AND (r.endpoint_no, CAST(run.observed_at AS DATE) - r.usage_day_back) IN (
        SELECT (endpoint_no, CAST(observed_at AS DATE)) FROM reading JOIN run USING (run_no))
    QUALIFY row_number() OVER (PARTITION BY r.endpoint_no, day ORDER BY r.tokens DESC, run.observed_at DESC) = 1
), closed AS (
    SELECT endpoint_no, day, arg_max(hit_rate, run_no) AS hit_rate FROM closing_rate GROUP BY ALL
), day_rate AS (
    SELECT endpoint_no, day, coalesce(closed.hit_rate, told.hit_rate) AS hit_rate, told.tokens
    FROM told FULL JOIN closed USING (endpoint_no, day), newest
    WHERE day BETWEEN CAST(newest.at AS DATE) - 29 AND CAST(newest.at AS DATE)
), home AS (
    SELECT endpoint_no, arg_max(provider, valid_from) AS provider FROM endpoint_history GROUP BY endpoint_no
)
SELECT concat(home.provider, ' ', strftime(d.day, '%Y-%m-%d')) AS provider_day,
    CASE WHEN sum(d.tokens) > 0 THEN sum(d.hit_rate * d.tokens) / sum(d.tokens) END AS hit_rate,
    sum(d.tokens) AS tokens
FROM day_rate d JOIN home USING (endpoint_no)
WHERE d.hit_rate IS NOT NULL AND d.tokens IS NOT NULL
GROUP BY ALL
