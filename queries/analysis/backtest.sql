-- One row per standard endpoint and priced UTC day in [from, to], as known at as_of: the closing effective price, the
-- list price at the end of the day, and the tokens of the newest day-to-date reading of the newest day observed up to
-- then. Parameters: from, to (dates), as_of.
-- The parameters are used directly in the comparisons: joined as a row, they would keep DuckDB from pruning.
WITH standard AS (
    SELECT endpoint_no, dense_rank() OVER (ORDER BY model) AS model_no
    FROM endpoint WHERE variant = 'standard'
), closing AS (
    -- The newest run that reported a day counts.
    SELECT c.endpoint_no, c.day, c.effective_input, c.effective_output,
        CAST(c.day AS TIMESTAMP) + INTERVAL 1 DAY AS day_end
    FROM closing_price c JOIN run USING (run_no)
    WHERE run.observed_at <= CAST($3 AS TIMESTAMP) AND c.day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
    QUALIFY row_number() OVER (PARTITION BY c.endpoint_no, c.day ORDER BY c.run_no DESC) = 1
), looked AS (
    SELECT run_no, observed_at, CAST(observed_at AS DATE) AS looked_day
    FROM run
    WHERE window_kind = 'day_to_date' AND observed_at <= CAST($3 AS TIMESTAMP)
      AND CAST(observed_at AS DATE) <= CAST($2 AS DATE)
), closed_until AS MATERIALIZED (
    SELECT coalesce(max(day), DATE '1970-01-01') AS day FROM endpoint_day
), open_run AS MATERIALIZED (
    -- Closed days are in endpoint_day; the day of as_of is read as it was known then.
    SELECT * FROM looked
    WHERE looked_day >= CAST(CAST($3 AS TIMESTAMP) AS DATE) - 1 OR looked_day >= (SELECT day FROM closed_until)
), usage AS (
    SELECT endpoint_no, looked_day - usage_day_back AS looked_day,
        max_by(tokens, struct_pack(tokens := tokens, run_no := run_no)) AS tokens
    FROM reading JOIN open_run USING (run_no)
    WHERE tokens IS NOT NULL
      AND (looked_day - usage_day_back = CAST(CAST($3 AS TIMESTAMP) AS DATE)
        OR looked_day - usage_day_back > (SELECT day FROM closed_until))
    GROUP BY endpoint_no, looked_day - usage_day_back
    UNION ALL
    SELECT endpoint_no, day, tokens
    FROM (
        SELECT * FROM endpoint_day
        WHERE day <= CAST($2 AS DATE) AND day < CAST(CAST($3 AS TIMESTAMP) AS DATE)
          AND (known_at IS NULL OR known_at <= CAST($3 AS TIMESTAMP))
        QUALIFY row_number() OVER (PARTITION BY endpoint_no, day ORDER BY known_at DESC NULLS LAST) = 1
    )
    WHERE tokens IS NOT NULL
), newest_look AS (
    SELECT days.day, max(l.looked_day) AS looked_day
    FROM (SELECT DISTINCT day FROM closing) days
    JOIN (SELECT DISTINCT looked_day FROM looked) l ON l.looked_day <= days.day
    GROUP BY days.day
)
SELECT c.endpoint_no, s.model_no, CAST(c.day - DATE '1970-01-01' AS INTEGER) AS day,
    c.effective_input, c.effective_output,
    CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_output AS DOUBLE) AS list_output,
    CAST(p.list_cache_read AS DOUBLE) AS list_cache_read, CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
    CAST(p.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h, coalesce(p.price_tiers, '[]') AS price_tiers_json,
    u.tokens
FROM closing c
JOIN standard s USING (endpoint_no)
ASOF LEFT JOIN price_history p ON p.endpoint_no = c.endpoint_no AND p.valid_from < c.day_end
LEFT JOIN newest_look n ON n.day = c.day
LEFT JOIN usage u ON u.endpoint_no = c.endpoint_no AND u.looked_day = n.looked_day
WHERE c.effective_input IS NOT NULL AND c.effective_output IS NOT NULL
ORDER BY c.endpoint_no, c.day
