-- The usage summaries of standard endpoints that cover the UTC day so far, in the order in which they were read, and
-- those of earlier days that were read on that day (`is_of_day` is false): their models had no traffic since. Bodies
-- that were read after the end of the day complete it. Parameters: the day, as_of.
WITH looked AS (
    SELECT run_no, observed_at, CAST(observed_at AS DATE) AS looked_day
    FROM run
    WHERE window_kind = 'day_to_date' AND observed_at <= CAST($2 AS TIMESTAMP)
      AND CAST(observed_at AS DATE) BETWEEN CAST($1 AS DATE) - 1 AND CAST($1 AS DATE) + 1
), read_ AS (
    SELECT r.endpoint_no, looked.run_no, looked.observed_at + to_seconds(r.usage_after_s) AS read_at,
        looked.looked_day - r.usage_day_back AS day, r.tokens, r.effective_input, r.effective_output
    FROM looked JOIN reading r USING (run_no)
    WHERE r.tokens IS NOT NULL AND r.effective_input IS NOT NULL AND r.effective_output IS NOT NULL
)
SELECT endpoint_no, read_at, day = CAST($1 AS DATE) AS is_of_day, tokens, effective_input, effective_output
FROM read_ JOIN endpoint USING (endpoint_no)
WHERE variant = 'standard'
  AND (day = CAST($1 AS DATE) OR (day < CAST($1 AS DATE) AND CAST(read_at AS DATE) = CAST($1 AS DATE)))
ORDER BY endpoint_no, read_at, run_no
