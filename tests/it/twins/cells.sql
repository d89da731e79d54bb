-- The means of the list `cache`, written independently of the program: a closing value overrides the last reading of a
-- day. One row per provider with cells, over the seven UTC days that end with that of the newest run, if there are at
-- least three observed days.
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
    WHERE day BETWEEN CAST(newest.at AS DATE) - 6 AND CAST(newest.at AS DATE)
), home AS (
    SELECT endpoint_no, arg_max(provider, valid_from) AS provider FROM endpoint_history GROUP BY endpoint_no
), listed AS (
    SELECT model, max(date_trunc('day', created)) AS day FROM model_history WHERE valid_to IS NULL GROUP BY model
), cell AS (
    SELECT e.endpoint_no, e.model, home.provider, avg(d.hit_rate) AS hit_rate, avg(d.tokens) AS tokens
    FROM day_rate d
    JOIN endpoint e ON e.endpoint_no = d.endpoint_no AND e.variant = 'standard'
    JOIN home ON home.endpoint_no = e.endpoint_no
    LEFT JOIN listed ON listed.model = e.model
    WHERE listed.day IS NULL OR d.day >= listed.day + INTERVAL 3 DAY
    GROUP BY ALL
    HAVING count(d.hit_rate) >= 3 AND avg(d.tokens) >= 10000000
), by_model AS (
    SELECT provider, model, avg(hit_rate) AS hit_rate FROM cell GROUP BY ALL
), plain AS (
    SELECT provider, avg(hit_rate) AS model_mean FROM by_model GROUP BY provider
)
SELECT provider, sum(hit_rate * tokens) / sum(tokens) AS traffic_mean, any_value(model_mean) AS model_mean,
    sum(tokens) AS tokens, count(*) AS endpoints
FROM cell JOIN plain USING (provider)
GROUP BY provider
