-- Every closing of the UTC days in [from, to] of standard endpoints, with the time at which it was known: the points of
-- the charts, and the last readings of the days. Parameters: from, to (dates).
WITH charted AS (
    SELECT c.endpoint_no, c.day, c.effective_input, c.effective_output, c.run_no, run.observed_at, run.duration_ms
    FROM closing_price c JOIN run USING (run_no)
    WHERE c.day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
      AND c.effective_input IS NOT NULL AND c.effective_output IS NOT NULL
), read_ AS (
    -- The body with a chart is the body with the summary.
    SELECT run_no, endpoint_no, max(usage_after_s) AS after_s
    FROM reading
    WHERE has_usage AND run_no IN (SELECT run_no FROM charted)
    GROUP BY run_no, endpoint_no
), closing AS (
    SELECT c.endpoint_no, c.day, c.effective_input, c.effective_output, CAST(NULL AS BIGINT) AS tokens,
        CASE WHEN r.after_s IS NULL THEN c.observed_at + to_microseconds(c.duration_ms * 1000)
             ELSE c.observed_at + to_seconds(r.after_s) END AS known_at,
        true AS is_charted
    FROM charted c LEFT JOIN read_ r ON r.run_no = c.run_no AND r.endpoint_no = c.endpoint_no
    UNION ALL
    -- A row that was added later was known at the end of the run that added it.
    SELECT d.endpoint_no, d.day, d.effective_input, d.effective_output, d.tokens,
        CASE WHEN d.known_at IS NULL THEN d.usage_at
             ELSE d.known_at + to_microseconds(coalesce(run.duration_ms, 0) * 1000) END AS known_at,
        false AS is_charted
    FROM endpoint_day d LEFT JOIN run ON run.observed_at = d.known_at
    WHERE d.usage_at IS NOT NULL AND d.day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
), standard AS (
    SELECT endpoint_no, dense_rank() OVER (ORDER BY model) AS model_no
    FROM endpoint WHERE variant = 'standard'
)
SELECT endpoint_no, model_no, day, effective_input, effective_output, tokens, known_at, is_charted
FROM closing JOIN standard USING (endpoint_no)
ORDER BY endpoint_no, day, known_at, is_charted
