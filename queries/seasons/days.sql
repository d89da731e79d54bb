-- The published hit rate of every endpoint on the closed UTC days in [from, to), as known at as_of: the closing rate if
-- there is one, otherwise the last reading of the day. Parameters: from, to (dates), as_of.
WITH closing AS (
    SELECT c.endpoint_no, c.day, max_by(c.hit_rate, c.run_no) AS hit_rate
    FROM closing_rate c JOIN run USING (run_no)
    WHERE run.observed_at <= CAST($3 AS TIMESTAMP) AND c.day >= CAST($1 AS DATE) AND c.day < CAST($2 AS DATE)
    GROUP BY c.endpoint_no, c.day
), closed AS (
    SELECT endpoint_no, day, hit_rate
    FROM endpoint_day
    WHERE day >= CAST($1 AS DATE) AND day < CAST($2 AS DATE) AND usage_at IS NOT NULL
      AND (known_at IS NULL OR known_at <= CAST($3 AS TIMESTAMP))
    QUALIFY row_number() OVER (PARTITION BY endpoint_no, day ORDER BY known_at DESC NULLS LAST) = 1
)
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint_id,
    CAST(coalesce(c.day, d.day) - DATE '1970-01-01' AS INTEGER) AS day, coalesce(c.hit_rate, d.hit_rate) AS hit_rate
FROM closed d
FULL JOIN closing c ON c.endpoint_no = d.endpoint_no AND c.day = d.day
JOIN endpoint e ON e.endpoint_no = coalesce(d.endpoint_no, c.endpoint_no)
WHERE coalesce(c.hit_rate, d.hit_rate) IS NOT NULL
ORDER BY e.endpoint_no, 2
